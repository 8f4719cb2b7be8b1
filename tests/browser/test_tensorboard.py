"""TensorBoard on a run of ours, in a real browser: every tab of lesson 04 draws, and nothing leaves the machine."""

from __future__ import annotations

import sys
import warnings
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_data import make_dataset
from torch.utils.tensorboard import SummaryWriter

from textwright.training.batches import encode_examples
from textwright.training.run import TENSORBOARD, train
from textwright.training.settings import TrainSettings

sys.path.insert(0, str(Path(__file__).parents[2] / "course"))

from booktools import screens

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    """Train as a user does, then add what lesson 04 adds."""
    folder, dataset = tmp_path_factory.mktemp("run"), make_dataset()
    settings = TrainSettings(family="bow", min_steps=0, num_epochs=3, batch_size=16, device="cpu")
    trained = train(dataset, settings, {"embedding_dim": 8}, run_dir=folder)
    validation = encode_examples(dataset.validation, trained.tokenizer)
    inputs, targets = validation.batch(np.arange(len(validation)))
    with torch.no_grad():
        positive = trained.module(*inputs).softmax(dim=1)[:, 1]
    with SummaryWriter(str(folder / TENSORBOARD)) as board, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*torch.jit.trace", category=DeprecationWarning)  # in add_graph
        board.add_pr_curve("positive", targets, positive, global_step=45)
        board.add_graph(trained.module, [tensor[:2] for tensor in inputs])
    return folder


def num_colors(page):
    """Count the colors of what the page shows: a tab that drew nothing has a few."""
    image = Image.open(BytesIO(page.screenshot())).convert("RGB")
    return len(image.getcolors(maxcolors=1 << 24))


@pytest.fixture(scope="module")
def board(run_dir, tmp_path_factory):
    log = tmp_path_factory.mktemp("log") / "tensorboard.log"
    with screens.tensorboard(run_dir, log) as address, screens.chromium() as browser:
        yield address, browser


SAID = {
    "scalars": "validation",
    "text": "validation/samples",
    "pr_curves": "positive",
    "graphs": "Main Graph",
    "projector": "Points: ",
}


@pytest.mark.parametrize("tab", screens.TABS)
def test_a_tab_draws_without_the_network(board, tab):
    address, browser = board
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    asked, broken = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: broken.append(str(error)))
    screens.open_tab(page, address, tab)
    assert screens.place_of(page, tab).get_by_text(SAID[tab]).first.is_visible()
    assert num_colors(page) > 40
    assert [url for url in asked if not url.startswith((address, "data:", "blob:", "about:"))] == []
    assert broken == []
    page.close()
