"""Run by the Python that has ParlAI and nothing of ours: say, as JSON, what ParlAI itself makes of our files.

Its standard input is a table with any of these keys, its standard output one with the same:

- ``folds``: [path up to the fold, fold, replies or null] of each file -> the messages of ParlAI's teacher, how many
  episodes it counts, and its report on the replies;
- ``tasks`` and ``names``: a registry and names of tasks -> what ParlAI makes of each name, "" if it refuses it;
- ``lines``: lines of a file -> the message that ParlAI reads;
- ``messages``: -> the line that ParlAI writes;
- ``agents``: [path up to the fold, fold, name of one of ParlAI's agents] -> its report, by ParlAI's ``eval_model``.
"""

from __future__ import annotations

import contextlib
import json
import logging
import sys
from typing import Any, Final

from parlai.core.opt import Opt
from parlai.scripts.eval_model import EvalModel
from parlai.tasks import tasks as registry
from parlai.tasks.fromfile.agents import ParlaiformatTeacher
from parlai.utils.misc import msg_to_str, str_to_msg

_METRICS: Final = "accuracy,f1"
"""Without BLEU and ROUGE, which need packages more."""


def _settings(stem: str, fold: str) -> dict[str, Any]:
    return {
        "task": "fromfile:parlaiformat",
        "datatype": "train:ordered" if fold == "train" else fold,
        "fromfile_datapath": stem,
        "fromfile_datatype_extension": True,
        "metrics": _METRICS,
    }


def _read(stem: str, fold: str, replies: list[str] | None) -> dict[str, Any]:
    teacher = ParlaiformatTeacher(Opt({**_settings(stem, fold), "batchsize": 1}))
    messages = []
    for place in range(teacher.num_examples()):
        messages.append(teacher.act())
        teacher.observe({"text": replies[place] if replies else ""})
    said = [{key: value for key, value in message.items() if key != "id"} for message in messages]
    return {"messages": said, "episodes": teacher.num_episodes(), "report": _plain(teacher.report())}


def _plain(report: dict[str, Any]) -> dict[str, float]:
    return {name: float(value) for name, value in report.items()}


def _resolved(tasks: list[dict[str, Any]], names: list[str]) -> list[str]:
    registry.tasks, registry.tags = registry._build(tasks)
    answers = []
    for name in names:
        try:
            answers.append(registry.ids_to_tasks(name))
        except RuntimeError:
            answers.append("")
    return answers


def _evaluated(stem: str, fold: str, agent: str) -> dict[str, float]:
    return _plain(EvalModel.main(**_settings(stem, fold), model=agent, batchsize=1))


def main() -> None:
    """Answer what the standard input asks."""
    logging.disable(logging.CRITICAL)
    asked = json.load(sys.stdin)
    with contextlib.redirect_stdout(sys.stderr):  # ParlAI prints
        answer = {
            "folds": [_read(*each) for each in asked.get("folds", [])],
            "names": _resolved(asked.get("tasks", []), asked.get("names", [])),
            "lines": [str_to_msg(line) for line in asked.get("lines", [])],
            "messages": [msg_to_str(message) for message in asked.get("messages", [])],
            "agents": [_evaluated(*each) for each in asked.get("agents", [])],
        }
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
