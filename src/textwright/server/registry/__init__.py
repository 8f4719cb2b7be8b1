"""Which models a server has, where they come from, and their swap."""
