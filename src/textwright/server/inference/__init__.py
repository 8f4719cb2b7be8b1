"""One model and its queue: what is computed for a request, and where."""
