"""What lessons import: claims that fail, exercises that must start wrong, commands that refuse."""

from __future__ import annotations

import base64
import json
import math
import re
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import numpy as np
import pytest

from bookkit import (
    aws_commands,
    claims,
    commands,
    exercises,
    figures,
    lesson_files,
    offline,
    plans,
    profiles,
    tables,
    traffic,
)
from booktools.results import printed_claims


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.setattr(claims, "_claims", {})
    monkeypatch.setattr(exercises, "_outcomes", {})
    monkeypatch.setattr(exercises, "_checks", {})
    monkeypatch.setenv(profiles.VARIABLE, "full")
    monkeypatch.setenv(profiles.REPORT, "report.json")


@pytest.fixture
def live(monkeypatch):
    """Be a reader's notebook of lesson 00, not ``booktools``."""
    monkeypatch.delenv(profiles.REPORT)
    monkeypatch.setenv(profiles.LESSON, "00-start-here")


@pytest.fixture
def shown(monkeypatch):
    """Collect the HTML that a helper displays."""
    seen = []
    for module in (figures, tables, exercises):
        monkeypatch.setattr(module, "display", lambda html: seen.append(html.data))
    return seen


def test_a_claim_is_recorded_as_the_prose_prints_it():
    claims.claim("accuracy", np.float32(0.7741), "{:.1%}", at_least=0.74)
    assert claims.all_claims()["accuracy"]["text"] == "77.4%"
    assert type(claims.all_claims()["accuracy"]["value"]) is float


@pytest.mark.parametrize("bounds", [{"at_least": 0.8}, {"at_most": 0.7}, {"equals": 0.5}])
def test_a_claim_out_of_bounds_fails_the_build(bounds):
    with pytest.raises(claims.ClaimError, match=r"accuracy is 0\.75"):
        claims.claim("accuracy", 0.75, **bounds)
    assert claims.all_claims() == {}


def test_a_claim_of_the_build_must_be_finite_and_made_once():
    with pytest.raises(claims.ClaimError, match="finite"):
        claims.claim("loss", math.nan)
    claims.claim("loss", 0.5)
    with pytest.raises(ValueError, match="already"):
        claims.claim("loss", 0.5)


def test_a_live_claim_prints_a_mark_and_the_value_of_the_page_as_often_as_it_is_run(live, capsys):
    page = printed_claims()["00.accuracy"]
    for value in (0.9, 0.5):
        claims.claim("accuracy", value, "{:.1%}", at_least=0.76)
    better, worse = capsys.readouterr().out.splitlines()
    assert better == f"✓ accuracy = 90.0%  (the page: {page})"
    assert worse == f"✗ accuracy = 50.0%  (the page: {page}; expected: at least 0.76)"


@pytest.mark.parametrize("value", [math.nan, None, [1.0, 2.0], "a word", object()], ids=lambda one: type(one).__name__)
def test_a_live_claim_never_raises(live, capsys, value):
    claims.claim("seconds", value, "{:.1f}", at_most=60.0)
    assert capsys.readouterr().out.startswith("✗ seconds = ")


def test_a_live_claim_of_an_unknown_lesson_prints_no_value_of_a_page(live, monkeypatch, capsys):
    monkeypatch.delenv(profiles.LESSON)
    claims.claim("status", 422, equals=422)
    assert capsys.readouterr().out == "✓ status = 422\n"


def test_the_profiles_have_bounds_of_their_own(monkeypatch):
    monkeypatch.setenv(profiles.VARIABLE, "smoke")
    claims.claim("accuracy", 0.6, at_least=0.74, smoke_at_least=0.55)
    with pytest.raises(claims.ClaimError, match="smoke profile"):
        claims.claim("other", 0.5, at_least=0.4, smoke_at_least=0.55)
    assert profiles.pick(smoke=1, full=2) == 1


def test_a_lesson_is_live_unless_a_report_is_waited_for(monkeypatch):
    assert not profiles.is_live()
    monkeypatch.delenv(profiles.REPORT)
    assert profiles.is_live()


def test_another_profile_is_refused(monkeypatch):
    monkeypatch.setenv(profiles.VARIABLE, "quick")
    with pytest.raises(ValueError, match="must be smoke or full"):
        profiles.profile()


def test_an_exercise_shows_what_is_missing_and_then_holds(shown):
    answers = [None]

    def check():
        if answers[0] is None:
            raise NotImplementedError
        assert answers[0] == 42, "<b>no</b>"

    exercises.exercise("Exercise 1", check)
    answers[0] = 41
    exercises.exercise("Exercise 1")
    answers[0] = 42
    exercises.exercise("Exercise 1")
    assert exercises.outcomes() == {"Exercise 1": [False, False, True]}
    assert "your turn" in shown[0]
    assert "&lt;b&gt;no" in shown[1]


def test_the_plan_is_drawn_for_a_screen_and_for_a_phone(shown):
    plans.plan([("One", "first"), ("Two", "second")], "Two steps & no more", highlight="Two")
    assert shown[0].count("<svg") == 2
    assert "Two steps &amp; no more" in shown[0]
    with pytest.raises(ValueError, match="holds 18"):
        plans.plan([("A title that is far too long", "")], "")


def test_the_words_of_a_step_break_before_the_edge_of_its_box(shown):
    plans.plan(
        [("Wide", "one graph, the same request"), ("Narrow", "a folder: graph, tokenizer, what was measured")], ""
    )
    assert ">one graph, the same</text>" in shown[0]
    assert ">a folder: graph, tokenizer,</text>" in shown[0], "a third line would lie below the box"


def test_a_figure_takes_the_colors_of_the_page(shown):
    figures.draw("line", lambda axes: axes.plot([1, 2], color=figures.colors.series[0]), "A line.")
    assert 'class="kit-figure"' in shown[0]
    assert "var(--series-1)" in shown[0]
    assert 'id="caption-line"' in shown[0]


def test_a_wide_plot_has_a_drawing_for_a_phone_and_a_narrow_one_serves_both(shown):
    for width in (6.4, 5.0):
        figures.draw("line", lambda axes: axes.plot([1, 2]), "A line.", size=(width, 3.6))
    assert [re.findall(r'<svg class="([^"]*)"', each) for each in shown] == [
        ["plot only-wide", "plot only-narrow"],
        ["plot"],
    ]
    assert [each.count('id="caption-line"') for each in shown] == [1, 1]


def test_a_recorded_picture_is_read_or_named(tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "RECORDED", tmp_path)
    with pytest.raises(FileNotFoundError, match="there are: none"):
        figures.recorded("04-text.png")
    (tmp_path / "04-text.png").write_bytes(b"picture")
    assert figures.recorded("04-text.png") == b"picture"
    with pytest.raises(FileNotFoundError, match=r"there are: 04-text\.png"):
        figures.recorded("04-scalars.png")


def test_a_large_image_is_refused(shown):
    with pytest.raises(ValueError, match="fewer than 2,000,000"):
        figures.show_image(bytes(2_000_000), "", mime="image/gif")


def test_a_page_is_shown_in_a_frame_and_cannot_break_out_of_it(shown):
    figures.show_page('<p title="&quot;">a</p></iframe><b>', "Say <which>", height=99)
    assert 'srcdoc="&lt;p title=&quot;&amp;quot;&quot;&gt;a&lt;/p&gt;&lt;/iframe&gt;&lt;b&gt;"' in shown[0]
    assert 'sandbox="allow-scripts"' in shown[0]
    assert "<figcaption>Say &lt;which&gt;</figcaption>" in shown[0]
    assert shown[0].count("</iframe>") == 1
    with pytest.raises(ValueError, match="fewer than 2,000,000"):
        figures.show_page("é" * 1_000_000, "")


def test_sounds_have_players_that_need_no_network(shown):
    figures.play({'"zero" & one': b"first", "two": b"second"}, "Listen <here>", mime="audio/wav")
    assert shown[0].count("<audio controls") == 2
    assert f'src="data:audio/wav;base64,{base64.b64encode(b"first").decode()}"' in shown[0]
    assert "<span>&quot;zero&quot; &amp; one</span>" in shown[0]
    assert "<figcaption>Listen &lt;here&gt;</figcaption>" in shown[0]


@pytest.mark.parametrize("sounds", [{}, {"empty": b""}, {"one": bytes(1_000_000), "two": bytes(1_000_000)}])
def test_no_sounds_and_large_sounds_are_refused(shown, sounds):
    with pytest.raises(ValueError, match="a page takes from 1 to 1,999,999"):
        figures.play(sounds, "")


def test_a_table_puts_numbers_to_the_right(shown):
    tables.table([{"name": "<a>", "share": "77.4%"}])
    assert '<td class="number">77.4%</td>' in shown[0]
    assert "&lt;a&gt;" in shown[0]


def test_a_long_word_may_break_in_a_table(shown):
    tables.table([{"written": "s&" * 50, "path": "docs/operations/reverse-proxy.md"}])
    assert shown[0].count("<wbr>") == 2
    assert f"<td>{'s&amp;' * 50}</td>" in shown[0].replace("<wbr>", "")


def test_a_command_shows_what_it_says_or_fails(capsys):
    assert "textwright" in commands.shell("textwright --help")
    with pytest.raises(RuntimeError, match="exit code 2, not 0"):
        commands.shell("textwright nonsense")
    commands.shell("textwright nonsense", status=2)
    assert "$ textwright nonsense" in capsys.readouterr().out


def test_serving_answers_while_the_block_runs(tiny_artifact, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with commands.serving(tiny_artifact) as api:
        assert commands.ask(f"{api}/v1/predict", {"text": "good"}).body["predictions"][0]["label"] == "positive"
        assert commands.ask(f"{api}/v1/predict", b"{").status == 400
    with pytest.raises(OSError, match="refused"):
        commands.ask(f"{api}/readyz")
    with pytest.raises(RuntimeError, match="ended with exit code"), commands.serving(tmp_path / "nothing"):
        pass
    assert list(tmp_path.iterdir()) == []


APPLICATION = """import os


async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": os.environ["MODEL"].encode()})
"""


def test_an_application_that_a_cell_saved_is_served(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    kernel = SimpleNamespace(user_ns={"In": ["", f'kit.save_cell("app.py")\n{APPLICATION}']})
    monkeypatch.setattr("IPython.get_ipython", lambda: kernel)
    commands.save_cell("app.py")
    assert (tmp_path / "app.py").read_text(encoding="utf-8") == APPLICATION
    with commands.application("app:app", MODEL="runs/x") as api:
        assert commands.ask(f"{api}/anything").body == "runs/x"
    with pytest.raises(RuntimeError, match="ended with exit code"), commands.application("nothing:app"):
        pass


LESSON = """
```{code-cell} ipython3
:tags: [hide-input]
kit.save_cell("app.py")
import os

app = os.environ["MODEL"]
```

```{code-cell} ipython3
num_written = Path("Dockerfile").write_text('FROM scratch')
Path(name).write_text("of no constant name")
```
"""


def test_a_file_that_another_lesson_writes_can_be_gone_on_with(tmp_path, monkeypatch):
    (tmp_path / "07a-a-test.md").write_text(LESSON, encoding="utf-8")
    (tmp_path / "07-another.md").touch()
    monkeypatch.setattr(lesson_files, "_LESSONS", tmp_path)
    monkeypatch.chdir(tmp_path)
    code = 'import os\n\napp = os.environ["MODEL"]\n'
    assert lesson_files.files_of("07a") == {"app.py": code, "Dockerfile": "FROM scratch"}
    assert lesson_files.copy_file("07a", "app.py") == code == (tmp_path / "app.py").read_text(encoding="utf-8")
    with pytest.raises(KeyError):
        lesson_files.copy_file("07a", "other.py")


def test_commands_of_aws_are_read_as_the_program_reads_them():
    script = r"""
    ACCOUNT=$(aws sts get-caller-identity --query Account --output text)  # whose
    aws ecr get-login-password --region eu-central-1 | docker login --username AWS --password-stdin $REGISTRY
    aws ec2 run-instances --image-id ami-1 --count 1 --instance-type t3.small \
        --metadata-options HttpTokens=required,HttpPutResponseHopLimit=1 --security-group-ids $A $B
    aws elbv2 create-listener --load-balancer-arn $ARN --default-actions '[{"Type": "forward"}]'
    aws ec2 wait instance-running --instance-ids $ID
    """
    rows = aws_commands.check_aws(script)
    assert [row["command"].split()[2] for row in rows] == [
        *("get-caller-identity", "get-login-password", "run-instances", "create-listener", "wait"),
    ]
    assert rows[0]["parameters"] == "none"
    assert rows[2]["parameters"].startswith("--image-id, --count, --instance-type")


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("aws s4 ls", "no such service"),
        ("aws ec2 start-instance", "no such command"),
        ("aws ec2 wait instance-bored --instance-ids i", "no such waiter"),
        ("aws ec2 start-instances --instance-id i", "no parameter --instance-id"),
        ("aws ec2 start-instances", "Missing required parameter"),
        ("aws ec2 run-instances --count 1 --instance-type t3.tiny", "t3.tiny is none of"),
        ("aws ec2 run-instances --count 1 --metadata-options Tokens=required", "there is no Tokens"),
        ("""aws ec2 create-tags --resources i --tags '[{"Name": "a"}]'""", "Unknown parameter"),
    ],
)
def test_a_wrong_command_of_aws_is_refused(command, message):
    with pytest.raises(ValueError, match=message):
        aws_commands.check_aws(command)


@pytest.fixture
def target():
    """Serve what looks like a server of version v7."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["content-length"]))
            body = json.dumps({"model": {"version": "v7"}, "path": self.path}).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_a_balancer_forwards_in_turn_and_says_itself_that_nobody_answers(target):
    balancer = traffic.Balancer()
    try:
        assert commands.ask(f"{balancer.address}/v1/predict", {}).status == 503
        balancer.targets.append(target)
        callers = traffic.Callers(balancer.address)
        deadline = time.monotonic() + 10
        while len(callers.seen) < 4 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert {each[1:] for each in callers.stop()} == {(200, "v7")}
        balancer.targets.append("http://127.0.0.1:1")
        statuses = [commands.ask(f"{balancer.address}/v1/predict", {}).status for _ in range(4)]
        assert sorted(statuses) == [200, 200, 502, 502]
        assert set(balancer.busy.values()) == {0}
    finally:
        balancer.close()


def test_servers_are_started_and_stopped_by_name(tmp_path, monkeypatch):
    ended = []

    @contextmanager
    def serving(path):
        yield path.name
        ended.append(path.name)

    monkeypatch.setattr(traffic, "serving", serving)
    servers = traffic.Servers(tmp_path)
    assert [servers.start(name) for name in ("v1", "v2", "v3")] == ["v1", "v2", "v3"]
    servers.stop("v2")
    servers.close()
    assert ended == ["v2", "v1", "v3"]


def test_a_connection_that_leaves_the_machine_is_refused():
    with pytest.raises(PermissionError, match=r"reach 192\.0\.2\.1"):
        offline._refuse("socket.connect", (None, ("192.0.2.1", 80)))
    offline._refuse("socket.connect", (None, ("127.0.0.1", 80)))
