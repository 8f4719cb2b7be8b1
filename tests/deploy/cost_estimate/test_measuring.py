"""The measurements are of real processes: what costs more is measured to cost more."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from textwright.core import artifact as artifacts
from textwright.deploy.cost_estimate.measure import (
    make_requests,
    measure_function,
    measure_server,
    parse_time,
    process_cpu_s,
)
from textwright.errors import DeployError
from textwright.runtime.predictor import Predictor

SECONDS = 0.3


@pytest.fixture
def bodies(tiny_artifact):
    """Return a function that writes requests of so many texts."""
    predictor = Predictor(artifacts.read(tiny_artifact), num_threads=1)
    return lambda num_texts: make_requests(predictor, texts_per_request=num_texts, tokens=6)[0]


def test_requests_have_the_texts_and_the_tokens_that_were_asked_for(tiny_artifact):
    predictor = Predictor(artifacts.read(tiny_artifact), num_threads=1)
    longest = predictor.artifact.manifest.max_length
    for tokens in (1, 5, longest, 10 * longest):
        bodies, mean = make_requests(predictor, texts_per_request=3, tokens=tokens)
        texts = [text for body in bodies for text in json.loads(body)["texts"]]
        assert {len(json.loads(body)["texts"]) for body in bodies} == {3}
        assert mean == pytest.approx(min(tokens, longest), abs=1)
        assert not predictor.encode(texts).truncated.any()


def test_a_larger_request_takes_more_of_the_server(tiny_artifact, bodies):
    small = measure_server(tiny_artifact, "fp32", bodies(1), SECONDS)
    large = measure_server(tiny_artifact, "fp32", bodies(500), SECONDS)
    assert 1e-5 < small.cpu_s < 0.1
    assert large.cpu_s > 2 * small.cpu_s
    assert large.response_bytes > 100 * small.request_bytes
    assert 30e6 < small.memory_bytes < 1e9
    assert 100 < small.log_bytes < 2000
    assert small.num_requests >= 8


def test_a_larger_request_takes_more_of_the_function(tiny_artifact, bodies):
    small = measure_function(tiny_artifact, "fp32", bodies(1), SECONDS)
    large = measure_function(tiny_artifact, "fp32", bodies(500), SECONDS)
    assert 1e-5 < small.cpu_s < 0.1
    assert large.cpu_s > 2 * small.cpu_s
    assert 0.02 < small.init_cpu_s < 5
    assert 300 < small.log_bytes < 2000


def test_what_cannot_start_is_said_in_words(tmp_path, bodies):
    with pytest.raises(DeployError, match=r"the server did not start: .*nowhere"):
        measure_server(tmp_path / "nowhere", "fp32", bodies(1), SECONDS)
    with pytest.raises(DeployError, match=r"the function could not be measured: .*nowhere"):
        measure_function(tmp_path / "nowhere", "fp32", bodies(1), SECONDS)


def test_a_refused_request_stops_the_measurement_and_its_server(tiny_artifact):
    wrong = [json.dumps({"tekst": "a film"})] * 2
    with pytest.raises(DeployError, match=r"refused a request .*tekst"):
        measure_server(tiny_artifact, "fp32", wrong, SECONDS)
    with pytest.raises(DeployError, match="tekst"):
        measure_function(tiny_artifact, "fp32", wrong, SECONDS)


def test_the_time_of_a_process_is_what_it_says_itself():
    program = "import time\nwhile time.process_time() < 0.3: pass\nprint(time.process_time(), flush=True)\ninput()"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        said = float(process.stdout.readline())
        assert process_cpu_s(process.pid) == pytest.approx(said, abs=0.05)
        process.communicate("\n")


@pytest.mark.parametrize(("text", "seconds"), [("0:01.25", 1.25), (" 00:00:07\n", 7), ("1:02:03", 3723)])
def test_times_of_ps_are_read(text, seconds):
    assert parse_time(text) == pytest.approx(seconds)
