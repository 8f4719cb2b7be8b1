"""Two artifacts become one: the fast one answers what it is sure of, the strong one takes the rest."""
