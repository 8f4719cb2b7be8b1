"""Runs that lessons cannot make by themselves, because they need root, a container engine or other machines' parts.

``.ci/course-recordings`` starts what they need and runs ``python -m booktools.recordings``; each module makes one
file of ``course/recorded``, which its lesson reads with ``kit.recorded``:

- ``container.py``: lesson 25, the image that ``textwright package`` builds, run, locked down, killed, stopped;
- ``servers.py``: lesson 26, ``textwright deploy ec2 --apply`` against the emulator of ``tests/cloud``;
- ``function.py``: lesson 27, the zip under AWS's Runtime Interface Emulator.
"""
