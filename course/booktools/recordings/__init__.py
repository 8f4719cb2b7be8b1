"""Runs that lessons cannot make by themselves, because they need root, a container engine or other machines' parts.

``.ci/course-recordings`` starts what they need and runs ``python -m booktools.recordings``; each module makes one
file of ``course/recorded``, which its lesson reads with ``kit.recorded``:

- ``dockerfiles.py``: lesson 25, the reader's Dockerfile, built after each change;
- ``container.py``: lesson 25, the image that ``textwright package`` builds, run, locked down, killed, stopped;
- ``by_hand.py``: lesson 26, the reader's commands, typed by the program ``aws`` to moto;
- ``servers.py``: lesson 26, ``textwright deploy ec2 --apply`` against the emulator of ``tests/cloud``;
- ``function.py``: lesson 27, the zip under AWS's Runtime Interface Emulator;
- ``function_image.py``: lesson 27, the reader's API under it, as an image and as a zip.
"""
