"""Pages of the reference, generated from the code and from ``docs/`` when the site is built."""
