"""From an artifact to where it runs; the only room that may speak to a container engine or a cloud.

- ``targets/``: where an artifact can run, one file each behind one protocol; ``TARGETS`` is a literal dict.
- ``package/``: build contexts, zips and what they hold; needs no account and no cloud.
- ``cloud/``: what deployments on AWS share; ``cloud.session`` alone imports boto3.
- ``cost_estimate/``: dollars for each size of each target, from what was measured here.
- ``smoke_test``: the golden examples against what was built or deployed.

Callers: ``cli``. Nothing here is imported by what runs in a container or a function.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

OnStep: TypeAlias = Callable[[str], object]
"""Called with each step of long work, a line at a time."""
