"""How results are shown: tables in the terminal and in notebooks, and the progress of long work.

Callers: ``cli`` and ``python_api``, which print the same tables.
"""
