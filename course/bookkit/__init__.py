"""What a lesson imports beside ``textwright``: ``import bookkit as kit``.

::

    kit.pick(smoke=.., full=..)    a size for each profile
    kit.plan([...])                the picture of the plan
    kit.draw(...) / kit.show(svg)  a figure that fits both color schemes
    kit.play({"words": bytes})     players for sounds that the lesson made
    kit.table(rows)                a table
    kit.shell("textwright ...")    a command line, as a reader would type it
    kit.serving("runs/x")          a server while a block runs
    kit.application("app:app")     the reader's own application while a block runs
    kit.copy_file("24a", "app.py") a file that a cell of another lesson writes
    kit.check_aws(script)          the aws commands of a script exist, with these parameters
    kit.Balancer() / Callers / Servers  traffic to roll from one version to the next
    kit.claim("name", value, ...)  a number of the prose, asserted and kept
    kit.timeline(own="01")        the rungs of all lessons of Part 1 in one figure
    kit.exercise("name", check)    a failing test that the reader makes pass

The form of a lesson: ``course/CONTRIBUTING.md``. Runs in Colab, in Jupyter and under ``booktools``; needs no more than
``textwright[aws,server,train]``.
"""

from __future__ import annotations

import warnings

from bookkit.aws_commands import check_aws
from bookkit.claims import claim
from bookkit.commands import Answer, application, ask, save_cell, serving, shell
from bookkit.exercises import exercise
from bookkit.figures import colors, draw, play, recorded, show, show_image, show_page
from bookkit.lesson_files import copy_file
from bookkit.offline import stay_offline_if_told
from bookkit.plans import plan
from bookkit.profiles import is_live, pick, profile
from bookkit.tables import table
from bookkit.timelines import timeline
from bookkit.traffic import Balancer, Callers, Servers

__all__ = [
    "Answer", "Balancer", "Callers", "Servers", "application", "ask", "check_aws", "claim", "colors", "copy_file",
    "draw", "exercise", "is_live", "pick", "plan", "play", "profile", "recorded", "save_cell", "serving", "shell",
    "show", "show_image", "show_page", "table", "timeline",
]  # fmt: skip

stay_offline_if_told()
warnings.filterwarnings("ignore", message="IProgress not found")  # bars of widgets that no lesson shows
