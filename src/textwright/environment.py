"""What this machine has: versions, extras, threads and caches.

Called by ``textwright doctor``, ``compare`` and the benchmarks; imports no engine.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from textwright import __version__
from textwright.errors import SettingsError

_EXTRA = re.compile(r"""extra\s*==\s*["']([\w-]+)["']""")
_NAME = re.compile(r"^[A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Facts by section, and what is wrong, in words."""

    sections: dict[str, dict[str, str]]
    problems: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, dict[str, str]]:
        """Return section -> fact -> value."""
        return self.sections


def diagnose() -> Diagnosis:
    """Look at this machine and this installation.

    Returns:
        Facts in four sections; a missing extra is a fact, an installed but broken state is a problem.
    """
    extras = {extra: _extra_state(names) for extra, names in requirements_by_extra().items()}
    sections = {"system": _system(), "base": extras.pop("", {}), **extras, "caches": _caches()}
    return Diagnosis(sections, _problems(sections))


def requirements_by_extra() -> dict[str, list[str]]:
    """Read the installed metadata: which distributions each extra brings ("" for the base).

    Returns:
        Extra name -> distribution names; the list lives in the package metadata alone.
    """
    groups: dict[str, list[str]] = {"": []}
    for requirement in metadata.requires("textwright") or []:
        extra = _EXTRA.search(requirement)
        name = _NAME.match(requirement)
        if name is not None:
            groups.setdefault(extra.group(1) if extra else "", []).append(name.group())
    return groups


def _extra_state(names: list[str]) -> dict[str, str]:
    return {name: _version(name) or "not installed" for name in names}


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _system() -> dict[str, str]:
    return {
        "textwright": __version__,
        "python": f"{platform.python_version()} ({sys.executable})",
        "platform": platform.platform(),
        "cores": f"{len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()} usable",
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "not set: one thread per core"),
        "CPU instructions": " ".join(cpu_instructions()) or "unknown",
    }


def cpu_instructions() -> list[str]:
    """Name the instruction sets of this CPU that speed up inference, as the kernel calls them.

    Returns:
        Some of avx2, avx512f, avx512_vnni, avx512_bf16, amx_bf16, amx_int8, asimd, i8mm; empty where unknown.
    """
    wanted = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8", "asimd", "i8mm", "bf16")
    try:
        words = set(Path("/proc/cpuinfo").read_text(encoding="utf-8").split())
    except OSError:
        return []
    return [name for name in wanted if name in words]


def machine() -> dict[str, Any]:
    """Name the machine that numbers were measured on, without its host name.

    Returns:
        JSON-ready facts; equal on one machine as long as its Python stays.
    """
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if Path("/proc/cpuinfo").exists() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "instructions": cpu_instructions(),
        "system": platform.system(),
        "python": platform.python_version(),
    }


def _caches() -> dict[str, str]:
    from textwright.data.cache import cache_dir

    try:
        cache = cache_dir()
    except SettingsError as error:
        return {"assets": f"nowhere: {error}"}
    existing = next(folder for folder in (cache, *cache.parents) if folder.exists())
    free = shutil.disk_usage(existing).free / 2**30
    return {"assets": str(cache), "free disk": f"{free:.1f} GiB"}


def _problems(sections: dict[str, dict[str, str]]) -> list[str]:
    missing = [name for name, state in sections["base"].items() if state == "not installed"]
    return [f"{name} is required but not installed: pip install textwright" for name in missing]
