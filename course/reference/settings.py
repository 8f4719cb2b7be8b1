"""The pages of the settings: of the families, of a Lambda function, and the environment variables of no command."""

from __future__ import annotations

from dataclasses import fields

from pydantic import BaseModel

from reference.docstrings import arguments, description
from reference.flags import all_commands, bounds_of, kind_of, shown
from reference.markdown import code, escape, filled, prose, table, toctree
from textwright.serverless.settings import LambdaSettings, variable

OTHER_VARIABLES = (
    (
        "TEXTWRIGHT_CACHE",
        "Folder of the built-in data and weights.",
        "`$XDG_CACHE_HOME/textwright`, else `~/.cache/textwright`",
    ),
    ("XDG_CACHE_HOME", "Folder of caches, where `TEXTWRIGHT_CACHE` is not set.", "`~/.cache`"),
    ("TEXTWRIGHT_API_KEY", "API key that `deploy` sends when it checks an address that needs one.", "none"),
    ("HOST", "In a container that `package` made: address to listen on.", "`0.0.0.0` in a container"),
    ("PORT", "In a container that `package` made: port to listen on.", "`8000`"),
    ("AWS_REGION", "Region to deploy to, where no flag names one.", "the one of the AWS profile"),
    ("AWS_ENDPOINT_URL", "Address of another endpoint than AWS's own, such as an emulator's.", "AWS"),
    ("OTEL_SERVICE_NAME", "Name of the service in traces.", "`textwright`"),
    ("OMP_NUM_THREADS", "Threads of numerical libraries in training; `doctor` shows it.", "one per core"),
    ("MLFLOW_EXPERIMENT_NAME", "Experiment of `train --track mlflow`.", "`textwright`"),
    ("WANDB_PROJECT", "Project of `train --track wandb`.", "`textwright`"),
    ("TMPDIR", "Folder of temporary files.", "the system's"),
    ("WORLD_SIZE", "Set by `accelerate launch` and `torchrun`: processes that train together.", "`1`"),
    ("RANK", "Set by `accelerate launch` and `torchrun`: which of these processes this is.", "`0`"),
)
"""Variables that no flag stands for: name, meaning, default. A test compares them with what the code reads."""


def pages() -> dict[str, str]:
    """Write the pages, file name -> Markdown."""
    others = [(code(name), meaning, default) for name, meaning, default in OTHER_VARIABLES]
    index = filled(
        "settings",
        others=table(("variable", "meaning", "default"), others),
        flags=table(("variable", "flag", "default"), _variables()) + toctree(("families", "lambda")),
    )
    return {"index.md": index, "families.md": _families(), "lambda.md": _lambda()}


def _variables() -> list[tuple[str, str, str]]:
    return [
        (
            code(flag.variable),
            f"[`{page.name} {flag.names[0]}`](../commands/{page.name.replace(' ', '-')}.md)",
            _default(flag.default),
        )
        for page in all_commands()
        for flag in page.flags
        if flag.variable and flag.group != "Output"
    ]


def _families() -> str:
    from textwright.models import FAMILIES  # torch, which the other pages do without

    parts: list[str] = []
    for name, family in FAMILIES.items():
        parts += [f"## {name}\n", f"{escape(family.summary)}\n", _table_of(family.config)]
        if family.defaults:
            own = ((code(setting), code(shown(value))) for setting, value in family.defaults.items())
            parts += ["Defaults of training:\n", table(("setting", "default"), own)]
    return filled("families", families="\n".join(parts))


def _table_of(settings: type[BaseModel]) -> str:
    rows = [
        (
            code(name.replace("_", "-")),
            kind_of(field.annotation).lower().replace("|", " or ") or "true or false",
            bounds_of(field.annotation, tuple(field.metadata)),
            _default(shown(field.default)),
            prose(field.description or ""),
        )
        for name, field in settings.model_fields.items()
    ]
    return table(("setting", "type", "bounds", "default", "meaning"), rows)


def _lambda() -> str:
    meanings = arguments(LambdaSettings)
    rows = [
        (code(variable(field.name)), _default(shown(field.default)), prose(meanings[field.name]))
        for field in fields(LambdaSettings)
    ]
    text = prose(description(LambdaSettings).partition("\n\n")[0])
    return f"# Settings on Lambda\n\n{text}\n\n{table(('variable', 'default', 'meaning'), rows)}"


def _default(typed: str) -> str:
    return code(typed) if typed else "none"
