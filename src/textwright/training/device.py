"""Where training runs and in which number format; several processes are joined by Hugging Face accelerate."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState

from textwright.errors import SettingsError
from textwright.training.settings import Device, Precision


def make_accelerator(device: Device) -> Accelerator:
    """Choose the device and join the processes that ``torchrun`` or ``accelerate launch`` has started.

    Args:
        device: auto takes CUDA, then MPS, then the CPU.

    Returns:
        An accelerator; one process of a plain run, one of several under a launcher.

    Raises:
        SettingsError: If the device is asked for and not there.
    """
    is_available = {Device.CUDA: torch.cuda.is_available(), Device.MPS: torch.backends.mps.is_available()}
    if not is_available.get(device, True):
        raise SettingsError(f"device is {device}, but torch finds none here; use --device auto or --device cpu")
    on_cpu = device is Device.CPU or (device is Device.AUTO and not any(is_available.values()))
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        # accelerate keeps the first run's choice for the whole process; a later run may choose otherwise.
        AcceleratorState._reset_state(reset_partial_state=True)  # noqa: SLF001
    return Accelerator(cpu=on_cpu)


def uses_bf16(precision: Precision, device: torch.device, *, gains: bool) -> bool:
    """Decide whether the forward pass runs in bf16.

    Args:
        precision: auto decides by hardware and family; fp32 and bf16 are obeyed.
        device: Where training runs.
        gains: Whether the family multiplies matrices large enough for bf16 to pay.

    Returns:
        True for bf16 autocast.

    Raises:
        SettingsError: If bf16 is asked for on a GPU that has none.
    """
    if precision is Precision.AUTO:
        return gains and _is_fast_in_bf16(device)
    if precision is Precision.BF16 and device.type == "cuda" and not torch.cuda.is_bf16_supported():
        raise SettingsError("precision is bf16, which this GPU does not have; use --precision fp32")
    return precision is Precision.BF16


def _is_fast_in_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        capabilities = torch.cpu.get_capabilities()
        return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
    return False


@contextmanager
def deterministic(device: torch.device) -> Iterator[None]:
    """Let a GPU choose kernels that give the same bits every time; a CPU does so anyway.

    Args:
        device: Where training runs. An operation without such a kernel warns and runs as it is.
    """
    if device.type != "cuda":
        yield
        return
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read by cuBLAS when it is first used
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)
