"""What knows HTTP: connections, bodies, keys, problems, pages and the OpenAPI document."""
