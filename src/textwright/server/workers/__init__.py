"""Several processes on one socket: the supervisor, its workers and their share of the limits."""
