from __future__ import annotations

import pytest
import torch

from textwright.errors import SettingsError
from textwright.training import device
from textwright.training.device import deterministic, make_accelerator, uses_bf16
from textwright.training.settings import Device, Precision

CPU = torch.device("cpu")


def test_the_cpu_can_be_asked_for() -> None:
    assert make_accelerator(Device.CPU).device == CPU


@pytest.mark.parametrize("wanted", [Device.CUDA, Device.MPS])
def test_a_device_that_is_not_there_is_refused(wanted: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(SettingsError, match=f"device is {wanted}, but torch finds none here; use --device auto"):
        make_accelerator(wanted)


@pytest.mark.parametrize("capabilities", [{"avx512_bf16": True}, {"amx_bf16": True}, {}])
def test_bf16_is_taken_on_a_cpu_that_has_it_by_a_family_that_gains(
    capabilities: dict[str, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert uses_bf16(Precision.AUTO, CPU, gains=True) is bool(capabilities)
    assert uses_bf16(Precision.AUTO, CPU, gains=False) is False


def test_a_precision_that_is_asked_for_is_obeyed() -> None:
    assert uses_bf16(Precision.BF16, CPU, gains=False)
    assert not uses_bf16(Precision.FP32, CPU, gains=True)


def test_bf16_on_a_gpu_without_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: False)
    assert not uses_bf16(Precision.AUTO, torch.device("cuda"), gains=True)
    with pytest.raises(SettingsError, match="precision is bf16, which this GPU does not have; use --precision fp32"):
        uses_bf16(Precision.BF16, torch.device("cuda"), gains=True)


def test_a_gpu_is_made_repeatable_for_the_time_of_training_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    with deterministic(torch.device("cuda")):
        assert torch.are_deterministic_algorithms_enabled()
        assert device.os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    assert not torch.are_deterministic_algorithms_enabled()
