"""Comparing, optimizing, serving and packaging from Python: what the commands do, with objects in and out."""

from __future__ import annotations

import asyncio
import gc
import signal
import subprocess
import sys
import urllib.request

import pytest
from compared import make_board, make_row

import textwright as tw
from textwright.comparison.leaderboard import Leaderboard
from textwright.errors import NotFoundError, ServingError, SettingsError
from textwright.python_api.comparison import Comparison
from textwright.python_api.folders import RunFolder

SERVE = "import sys, textwright as tw; tw.load(sys.argv[1]).serve(port=0); print('stopped')"


@pytest.fixture
def compared(trained, tmp_path):
    """A comparison whose models nobody had to train, but the one of its best row."""
    trained.save(tmp_path / "runs" / "best" / "all" / "seed-0")
    board = make_board(
        make_row("best", 0.9, tied=None), make_row("other", 0.8), make_row("tf-idf", 0.7, is_baseline=True)
    )
    return Comparison(board, RunFolder(tmp_path))


def test_a_comparison_shows_its_rows_and_gives_its_models(compared, trained, capsys):
    assert [row.name for row in compared.rows] == ["best", "other", "tf-idf"]
    compared.show()
    shown = capsys.readouterr().out
    assert "Leaderboard of reviews.csv" in shown
    assert "Against the best" in shown
    assert "<table>" in compared._repr_html_()
    assert compared.model().artifact.digest == compared.model("best").artifact.digest == trained.artifact.digest
    with pytest.raises(NotFoundError, match="no row 'tf-idf' has a model; name one of best, other"):
        compared.model("tf-idf")


def test_a_model_of_a_comparison_outlives_it(make_artifact):
    folder = RunFolder()
    path = folder.path
    model = tw.load(make_artifact("kept")).kept_by(folder)
    del folder
    gc.collect()
    assert path.exists()
    del model
    gc.collect()
    assert not path.exists()


def test_a_comparison_in_a_named_folder_is_that_of_the_command(reviews, tmp_path):
    with pytest.raises(SettingsError, match="--seeds is 0"):
        tw.compare(reviews, families="linear", seeds=0, out=tmp_path, verbose=False)
    with pytest.raises(SettingsError, match="no such setting"):
        tw.compare(reviews, num_epochs=3, verbose=False)
    assert not Leaderboard.json_path(tmp_path).exists()


def test_optimizing_returns_a_model_and_all_that_was_tried(trained):
    fast = trained.optimize(max_drop=0.3, gate_folds=0, verbose=False)
    assert isinstance(fast, tw.Model)
    assert fast.predict(["a good film"])[0].label == trained.predict(["a good film"])[0].label
    assert fast.optimization.settings.max_drop == 0.3
    assert [candidate.name for candidate in fast.optimization.candidates]
    assert trained.optimization is None
    with pytest.raises(SettingsError, match=r"optimize\(\) has no setting 'max_dorp'; did you mean 'max_drop'"):
        trained.optimize(max_dorp=0.3)


def test_a_server_in_the_background_answers_until_it_is_stopped(make_artifact):
    model = tw.load(make_artifact("background"))
    with model.serve(port=0, background=True, max_texts=2) as server:
        with tw.Client(server.url) as client:
            assert client.predict(["a great film"])[0].label == "positive"
            assert client.models()[0].limits.max_texts == 2
        port = int(server.url.rpartition(":")[2])
        with pytest.raises(ServingError, match=f"the server did not start.*port {port}"):
            model.serve(port=port, background=True)
        assert "running" in repr(server)
    assert "stopped" in repr(server)
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(server.url, timeout=5)  # noqa: S310  our own address


def test_a_server_in_the_foreground_ends_with_ctrl_c(make_artifact):
    command = [sys.executable, "-c", SERVE, str(make_artifact("foreground"))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline().startswith("page: http://127.0.0.1:")
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=30)[0] == "stopped\n"
    assert process.returncode == 0


def test_a_notebook_is_told_to_serve_in_the_background(tiny_artifact):
    async def cell():
        tw.load(tiny_artifact).serve()

    with pytest.raises(SettingsError, match="background=True"):
        asyncio.run(cell())
    with pytest.raises(SettingsError, match="prot"):
        tw.load(tiny_artifact).serve(prot=1)


def test_packaging_goes_through_the_command(trained, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(SettingsError, match=str(tmp_path)):
        trained.package("docker", out=tmp_path)
    with pytest.raises(SettingsError, match="biuld"):
        trained.package("docker", out=tmp_path / "new", biuld=True)
