"""The ``textwright`` program: the table of commands, the layers of settings, and errors in words.

How a command is written. Each is one function in a module of its own, named in :data:`COMMANDS`, imported only when it
is called (``textwright --help`` imports nothing heavy). It holds no logic: it calls one function of a room and shows
the result::

    def evaluate(
        artifact: Path,
        source: str,
        /,
        *,
        data: Annotated[DataSettings, Parameter(name="*", group="Data")] = DEFAULT_DATA,
        output: Annotated[Output, Parameter(name="*", group="Output")] = DEFAULT_OUTPUT,
    ) -> None:
        '''Measure an artifact on labeled texts.

        Example: textwright evaluate runs/demo movie-reviews

        (Google-style Args follow; each line is that flag's help.)
        '''
        evaluation = measure.evaluate(...)
        terminal = Terminal(output)
        terminal.result(evaluation.to_json(), lambda: _show(terminal, evaluation))
        terminal.next(f"textwright serve {artifact}")

Settings are flags, each a field of a :class:`textwright.config.Settings`; cyclopts reads its type, default and
docstring. A value is taken from the first that has it: flag, environment (``TEXTWRIGHT_<COMMAND>_<FLAG>``), recipe
(``--config FILE.toml``, keys named like the flags), default. Results go to standard output; progress, notes and errors
go to standard error.
"""

from __future__ import annotations

import errno
import io
import json
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Final, NamedTuple, TextIO, cast

from cyclopts import App, CycloptsError
from cyclopts.config import Env

from textwright import __version__
from textwright.cli.exit_codes import INTERRUPTED, USAGE, exit_code_of
from textwright.cli.help import HELP_ALL, FlagFormatter
from textwright.cli.layers import PerKey, Recipe
from textwright.errors import InputError, TextwrightError


class Command(NamedTuple):
    """One row of the table: what is typed, where it is, what it says in the overview."""

    name: str
    function: str
    summary: str


COMMANDS: Final = (
    Command("train", "textwright.cli.train:train", "Train a model on a labeled source and write its artifact."),
    Command("auto", "textwright.cli.auto:auto", "Find the best artifact for a budget and constraints."),
    Command("compare", "textwright.cli.compare:compare", "Train several model families; write a leaderboard."),
    Command("evaluate", "textwright.cli.evaluate:evaluate", "Measure an artifact on labeled texts."),
    Command("optimize", "textwright.cli.optimize:optimize", "Make an artifact faster or smaller; keep its answers."),
    Command("cascade", "textwright.cli.cascade:cascade", "Combine a fast and a strong model into one artifact."),
    Command("distill", "textwright.cli.distill:distill", "Distill an artifact into a smaller model."),
    Command("prune", "textwright.cli.prune:prune", "Prune unused tokens, attention heads and neurons."),
    Command("predict", "textwright.cli.predict:predict", "Predict the labels of texts, or of a whole file."),
    Command("score", "textwright.cli.score:score", "Score many files on all cores; go on where it was stopped."),
    Command("promote", "textwright.cli.promote:promote", "Compare a candidate with the champion; refuse a worse one."),
    Command("push", "textwright.cli.push:push", "Push an artifact to the Hugging Face hub."),
    Command("serve", "textwright.cli.serve:serve", "Serve an artifact as a REST API."),
    Command("monitor", "textwright.cli.monitor:monitor", "Compare recorded predictions with the training's."),
    Command("package", "textwright.cli.package:package", "Package an artifact for a container or for Lambda."),
    Command("deploy", "textwright.cli.deploy:app", "Plan a deployment on AWS, apply it, roll it back, destroy it."),
    Command("cost", "textwright.cli.cost:cost", "Estimate what an artifact costs on EC2 and on Lambda."),
    Command("inspect", "textwright.cli.inspect:inspect", "Show what an artifact is and what was measured of it."),
    Command("data", "textwright.cli.data:app", "Check a labeled source; list labels that look wrong."),
    Command("review", "textwright.cli.review:review", "Decide on labels on a local page; the next ones to label."),
    Command("assets", "textwright.cli.assets:app", "List, fetch and find the built-in data and weights."),
    Command("families", "textwright.cli.families:families", "List the model families and their settings."),
    Command("tensorboard", "textwright.cli.tensorboard:tensorboard", "Open TensorBoard on a training run."),
    Command("doctor", "textwright.cli.doctor:doctor", "Show versions, extras, threads and caches."),
    Command("completion", "textwright.cli.completion:completion", "Print the completion script of a shell."),
)

_HELP = """A labeled file becomes a measured, deployed text-classification API.

Start with: textwright train movie-reviews --family bow --out runs/demo"""


def build_app(arguments: Sequence[str] = ()) -> App:
    """Make the program: its commands are imported when they are called.

    Args:
        arguments: What was typed after ``textwright``. The help of its command is the function's docstring; the
            summaries in the table are for the overview, which must not import the functions.
    """
    called = next(iter(arguments), "")
    app = App(
        name="textwright",
        help=_HELP,
        help_format="plaintext",  # Markdown would take the stars out of patterns such as "is_*"
        help_formatter=FlagFormatter(arguments),
        help_flags=("--help", "-h", HELP_ALL),
        version=__version__,
        help_epilogue="Each flag can also be set in the environment, as TEXTWRIGHT_COMMAND_FLAG. "
        "Exit codes: textwright doctor --exit-codes",
        config=(PerKey(Env("TEXTWRIGHT_")), PerKey(Recipe())),
        exit_on_error=False,
        print_error=False,
        result_action="return_value",
    )
    for command in COMMANDS:
        app.command(command.function, name=command.name, help=None if command.name == called else command.summary)
    return app


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program and leave with its exit code.

    Args:
        arguments: What was typed after ``textwright``; None takes it from the process.
    """
    threading.excepthook = _silence_storage_errors
    for stream in (sys.stdout, sys.stderr):
        show_any_character(stream)
    if sys.stderr is not None:
        sys.stderr = cast("TextIO", RemarkStream(sys.stderr))
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def show_any_character(stream: TextIO | None) -> None:
    r"""Let a console show characters that its encoding lacks as escapes (``\xe9``), in place of failing at them.

    Args:
        stream: Standard output or standard error; None where it is closed.
    """
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")


class RemarkStream:
    """Standard error that drops what it cannot write, as to a full disk: no remark is worth the end of a command.

    Args:
        stream: The real one.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  whatever a stream has
        """Return what the stream has."""
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write a text, or drop it."""
        with _storage_errors_dropped():
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Write what is held back, or drop it."""
        with _storage_errors_dropped():
            self._stream.flush()


@contextmanager
def _storage_errors_dropped() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:  # whoever reads has seen enough: the command ends
        raise
    except OSError:
        return


def run(arguments: Sequence[str]) -> int:
    """Run one command line.

    Args:
        arguments: What was typed after ``textwright``.

    Returns:
        The exit code, see :mod:`textwright.cli.exit_codes`. Errors raised on purpose are said on standard
        error in one sentence, with ``--json`` also as an object on standard output; only a defect of Textwright shows a
        traceback.
    """
    fail = partial(_fail, as_json="--json" in arguments)
    try:
        build_app(arguments)(list(arguments))
    except CycloptsError as error:
        return fail(_usage_message(error), USAGE, "usage")
    except TextwrightError as error:
        as_json = "--json" in arguments and not error.follows_result
        return _fail(str(error), exit_code_of(error), error.code, as_json=as_json)
    except KeyboardInterrupt:
        return fail("stopped", INTERRUPTED, "interrupted")
    except BrokenPipeError:  # the reader of our output, such as head, has seen enough
        sys.stderr.close()
        return 0
    except OSError as error:
        code, exit_code = InputError.code, exit_code_of(InputError())
        if _NO_TEMPORARY_FOLDER in str(error):
            return fail(f"{error.strerror}; set TMPDIR to a folder that can be written", exit_code, code)
        if error.errno not in _STORAGE_CURES:
            raise
        return fail(_storage_message(error), exit_code, code)
    return 0


_NO_TEMPORARY_FOLDER: Final = "No usable temporary directory"
_NO_SPACE: Final = "free some space there and in the folder of temporary files (TMPDIR), or write to another disk"
_NO_RIGHT: Final = "give this user the right to, or name another folder"
_STORAGE_CURES: Final[Mapping[int | None, str]] = {
    errno.ENOSPC: _NO_SPACE,
    errno.EDQUOT: _NO_SPACE,
    errno.EFBIG: _NO_SPACE,
    errno.EACCES: _NO_RIGHT,
    errno.EPERM: _NO_RIGHT,
    errno.EROFS: _NO_RIGHT,
    errno.ENOTDIR: "a part of the path is a file; name another folder",
    errno.EEXIST: "a part of the path is a file; name another folder",
    errno.EISDIR: "it is a folder; name a file in it",
    errno.ENAMETOOLONG: "give a shorter name",
}
"""What helps where reading or writing files fails outside what a room has words for."""


def _storage_message(error: OSError) -> str:
    place = f"{error.filename}: " if error.filename else ""
    return f"{place}{error.strerror}; {_STORAGE_CURES[error.errno]}. Give the same command again to go on"


def _silence_storage_errors(thread: threading.ExceptHookArgs) -> None:
    """Leave out the traceback of a writing thread on a full disk: the main thread raises the error too, in words."""
    if not (isinstance(thread.exc_value, OSError) and thread.exc_value.errno in _STORAGE_CURES):
        threading.__excepthook__(thread)


def _usage_message(error: CycloptsError) -> str:
    from pydantic import ValidationError

    from textwright.config import explain

    if isinstance(error.__cause__, ValidationError):
        return explain(error.__cause__)
    return f"{str(error).strip()} See: textwright {' '.join([*(error.command_chain or ()), '--help'])}"


def _fail(message: str, exit_code: int, code: str, *, as_json: bool) -> int:
    """Say what is wrong on standard error; for programs that asked for JSON, on standard output as well."""
    from rich.console import Console
    from rich.text import Text

    from textwright.display.terminal import break_at_spaces

    console = break_at_spaces(Console(stderr=True, highlight=False, markup=False))
    console.print(Text.assemble(("error:", "bold red"), " ", message))
    if as_json:
        error = {"code": code, "message": message, "exit_code": exit_code}
        sys.stdout.write(f"{json.dumps({'error': error}, ensure_ascii=False)}\n")
    return exit_code
