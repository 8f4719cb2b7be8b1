"""May a candidate take the place of the model that answers now? Measured on the same texts, refused in words if not."""
