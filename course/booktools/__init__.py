"""Makes the book: executes lessons, writes the notebooks for Colab, assembles the site. Lessons do not import it."""
