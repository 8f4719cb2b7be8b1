"""The command line: a table of commands that hold no logic, and how results are shown."""
