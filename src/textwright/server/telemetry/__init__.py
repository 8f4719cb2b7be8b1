"""What a server says about its requests: log, metrics and traces."""
