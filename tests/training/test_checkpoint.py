"""A checkpoint on a full disk: an error of the system, and the old checkpoint stays."""

from __future__ import annotations

import errno
import resource

import pytest
import torch

from textwright.training.checkpoint import Checkpointer, TrainState


def test_a_full_disk_is_an_error_of_the_system_and_keeps_the_old_checkpoint(tmp_path):
    module = torch.nn.Linear(300, 300)
    optimizer = torch.optim.SGD(module.parameters())
    checkpointer = Checkpointer(tmp_path / "checkpoint", {}, every_s=0)
    checkpointer.save(TrainState(step=1), module, optimizer)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        with pytest.raises(OSError, match="too large") as caught:
            checkpointer.save(TrainState(step=2), module, optimizer)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.errno == errno.EFBIG
    assert checkpointer.restore(module, optimizer).step == 1
    assert [path.name for path in (tmp_path / "checkpoint").iterdir()] == ["state.pt"]
