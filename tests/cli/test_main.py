"""The program: fast help, a suggestion for a typo, layers of settings, exit codes, and errors in words."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Annotated

import pytest
from cyclopts import App, Parameter
from cyclopts.config import Env
from pydantic import Field

from textwright.cli.exit_codes import MEANINGS
from textwright.cli.help import _COMMON
from textwright.cli.layers import PerKey, Recipe
from textwright.cli.main import COMMANDS, build_app, run
from textwright.config import Settings
from textwright.core.artifact import Variant


def test_help_lists_every_command(capsys):
    assert run(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(command.name in shown for command in COMMANDS)


def test_the_programs_help_imports_nothing_heavy():
    code = (
        "import sys; from textwright.cli.main import run; run(['--help'])\n"
        "heavy = {'torch', 'numpy', 'onnxruntime', 'fastapi', 'pydantic', 'transformers', 'tokenizers'}\n"
        "print(*heavy & set(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.split() == []


@pytest.mark.parametrize("command", [command.name for command in COMMANDS])
def test_every_command_has_help_with_an_example(command, capsys):
    app = build_app([command])
    names = [name for name in app[command] if not name.startswith("-")]
    for words in [[command, name] for name in names] or [[command]]:
        assert run([*words, "--help"]) == 0
        _, _, example = " ".join(capsys.readouterr().out.split()).partition("Example: ")
        assert f"textwright {' '.join(words)}" in example


def help_of(words, capsys, flag="--help"):
    assert run([*words, flag]) == 0
    return " ".join(capsys.readouterr().out.replace("│", " ").split())


@pytest.mark.parametrize(
    ("words", "family", "num_epochs"),
    [(["train"], "linear", 10), (["train", "--family", "bow"], "bow", 15), (["distill", "--family=bert"], "bert", 2)],
)
def test_help_shows_the_defaults_of_the_family(words, family, num_epochs, capsys):
    shown = help_of(words, capsys)
    assert f"Training (defaults of {family}; 7 of " in shown
    assert re.search(rf"--num-epochs INT [^\]]*\[default: {num_epochs}\]", shown)


def test_help_is_shown_for_a_mistyped_family_too(capsys):
    assert "--num-epochs" in help_of(["train", "--family", "bwo"], capsys)


def test_help_leaves_out_what_says_nothing(capsys):
    shown = help_of(["train"], capsys)
    assert "--no-json" not in shown
    assert "--no-baselines" in shown
    assert not {'[default: ""]', "[default: ()]", "[default: False]"} & set(re.findall(r"\[default: [^\]]*\]", shown))


def test_help_shows_stars_of_patterns(capsys):
    assert '"is_*", or "*" for all of them' in help_of(["train"], capsys, "--help-all")


LONG_HELP = ["train", "distill", "optimize", "compare", "serve"]


@pytest.mark.parametrize("command", LONG_HELP)
def test_help_fits_a_screen_or_two_and_says_where_the_rest_is(command, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    assert run([command, "--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) < 60
    assert any("--help-all shows all" in line for line in lines)


@pytest.mark.parametrize("command", LONG_HELP)
def test_help_all_shows_every_flag(command, capsys):
    flags = {
        name for argument in build_app([command])[command].assemble_argument_collection() for name in argument.names
    }
    shown = help_of([command], capsys, "--help-all")
    assert {name for name in flags if name.startswith("--") and not name.startswith("--no-")} <= set(shown.split())
    assert "shows all" not in shown


def test_common_flags_exist(capsys):
    shown = set(" ".join(help_of([command], capsys, "--help-all") for command in LONG_HELP).split())
    missing = [name for names in _COMMON.values() for name in names if f"--{name.replace('_', '-')}" not in shown]
    assert missing == []


@pytest.mark.parametrize(
    ("words", "code", "exit_code"),
    [(["inspect", "absent"], "not-found", 3), (["inspect", "absent", "--bad"], "usage", 2)],
)
def test_an_error_is_json_where_json_was_asked_for(words, code, exit_code, capsys):
    assert run([*words, "--json"]) == exit_code
    shown = capsys.readouterr()
    error = json.loads(shown.out)["error"]
    assert (error["code"], error["exit_code"]) == (code, exit_code)
    assert " ".join(error["message"].split()) in " ".join(shown.err.split())


def test_completion_is_a_script_that_bash_reads_and_that_knows_commands_and_flags(capsys):
    assert run(["completion", "bash"]) == 0
    script = capsys.readouterr().out
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)
    assert "--family" in script
    assert all(command.name in script for command in COMMANDS)


def test_a_typo_suggests_the_nearest_command(capsys):
    assert run(["trian", "x"]) == 2
    assert 'Did you mean "train"?' in capsys.readouterr().err


def test_an_unknown_flag_suggests_the_nearest_one(capsys):
    assert run(["inspect", "x", "--jsno"]) == 2
    assert "Did you mean --json?" in capsys.readouterr().err


def test_an_error_is_one_sentence_and_an_exit_code(capsys, tmp_path):
    assert run(["inspect", str(tmp_path / "absent")]) == 3
    captured = capsys.readouterr()
    assert captured.err.startswith("error: there is no artifact at")
    assert "Traceback" not in captured.err
    assert captured.out == ""


def test_inspect_tells_programs_and_people(capsys, tiny_artifact):
    assert run(["inspect", str(tiny_artifact), "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["labels"] == ["negative", "positive"]
    assert run(["inspect", str(tiny_artifact)]) == 0
    shown = capsys.readouterr()
    assert content["version"] in shown.out
    assert "next: textwright predict" in shown.err


def test_inspect_shows_how_far_predictions_change_with_the_batch(capsys, make_artifact):
    folder = make_artifact(variants={"fp32": Variant("model.onnx", batch_invariance={"max_change": 0.1234})})
    assert run(["inspect", str(folder)]) == 0
    assert re.search(r"largest change with batch\s+0\.12\s", capsys.readouterr().out)


def test_quiet_says_the_result_only(capsys, tiny_artifact):
    assert run(["inspect", str(tiny_artifact), "--quiet"]) == 0
    assert capsys.readouterr().err == ""


def test_doctor_prints_the_exit_codes(capsys):
    assert run(["doctor", "--exit-codes", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {str(code): meaning for code, meaning in MEANINGS.items()}


def test_doctor_knows_what_is_installed(capsys):
    assert run(["doctor", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["base"]["numpy"][0].isdigit()
    assert {"system", "base", "server", "train", "caches"} <= set(content)


class Knobs(Settings):
    """Settings of a command made for these tests."""

    rate: Annotated[float, Field(gt=0)] = 0.1
    """Step size, > 0."""
    kind: str = "plain"
    """What it is."""


def resolve(arguments, monkeypatch, environment=None):
    """Run a tiny command through the program's own layers and return what it was given."""
    for name, value in (environment or {}).items():
        monkeypatch.setenv(name, value)
    app = App(config=(PerKey(Env("TEXTWRIGHT_")), PerKey(Recipe())), result_action="return_value")

    @app.command
    def turn(
        *,
        config: str | None = None,
        model: dict[str, str] | None = None,
        knobs: Annotated[Knobs, Parameter(name="*")] = Knobs(),  # noqa: B008
    ):
        return knobs, model

    return app(["turn", *arguments], exit_on_error=False, print_error=False)


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / "recipe.toml"
    path.write_text('rate = 0.3\nkind = "recipe"\n[model]\ndepth = 3\nwidth = 5\n')
    return str(path)


def test_flag_before_environment_before_recipe_before_default(monkeypatch, recipe):
    assert resolve([], monkeypatch)[0].rate == 0.1
    assert resolve(["--config", recipe], monkeypatch)[0].rate == 0.3
    environment = {"TEXTWRIGHT_TURN_RATE": "0.5"}
    assert resolve(["--config", recipe], monkeypatch, environment)[0] == Knobs(rate=0.5, kind="recipe")
    assert resolve(["--config", recipe, "--rate", "0.7"], monkeypatch)[0].rate == 0.7


def test_one_key_of_a_table_does_not_hide_the_others(monkeypatch, recipe):
    _, model = resolve(["--config", recipe, "--model.depth", "9"], monkeypatch, {"TEXTWRIGHT_TURN_MODEL_HEADS": "2"})
    assert model == {"depth": "9", "width": "5", "heads": "2"}


def test_only_what_was_set_counts_as_explicit(monkeypatch, recipe):
    knobs, _ = resolve(["--rate", "0.2"], monkeypatch)
    assert knobs.over({"rate": 0.9, "kind": "family"}) == Knobs(rate=0.2, kind="family")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["train", "x", "--out", "y", "--batch-size", "0"], "batch_size: input should be greater than or equal to 1"),
        (["train", "x", "--out", "y", "--config", "absent.toml"], "there is no recipe file absent.toml"),
        (["train", "x"], "--out"),
        (["nonsense"], "nonsense"),
    ],
)
def test_a_wrong_setting_is_said_with_its_name(arguments, reason, capsys):
    assert run(arguments) in (2, 3)
    assert reason in capsys.readouterr().err


def test_a_recipe_that_is_no_toml_names_the_line(tmp_path, capsys):
    path = tmp_path / "broken.toml"
    path.write_text("rate = 1\nrate = = 2\n")
    assert run(["train", "x", "--out", "y", "--config", str(path)]) == 3
    assert "line 2" in capsys.readouterr().err
