"""A small AWS for rehearsals: moto's services, with the parts that moto leaves out made real.

- ``engine.py``: CloudFormation's own work, which moto does not do: conditions, change sets that carry parameters, an
  order of resources, replacement, and undoing what failed.
- ``types.py``: the resource types that moto says CREATE_COMPLETE to and ignores; each is made through moto's own API of
  its service, so that it can be listed and looked at. A type that nobody knows is refused.
- ``functions.py``: a function's zip is unpacked and really run, per version; its address is a port of this machine.
- ``machines.py``: an instance's start-up script is really run, with the real docker and the real ``aws`` program.

Runs in an environment of its own (``python -m emulator PORT``), which holds moto but not Textwright's libraries.
"""
