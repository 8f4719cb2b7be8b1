"""The pages of the commands: usage, example and each flag with its default, its bounds and its variable."""

from __future__ import annotations

from itertools import groupby

from reference.flags import MODEL, CommandPage, Flag, all_commands
from reference.markdown import code, escape, fence, filled, paragraphs, table, toctree
from textwright.cli.main import COMMANDS

_EXAMPLE = "Example: "


def pages() -> dict[str, str]:
    """Write a page for each command and the list of them, file name -> Markdown."""
    found = all_commands()
    names = {page.name.split()[0]: _file(page) for page in reversed(found)}
    summaries = [(f"[`{row.name}`]({names[row.name]}.md)", escape(row.summary)) for row in COMMANDS]
    listed = table(("command", "what it does"), summaries) + toctree(map(_file, found))
    return {"index.md": filled("commands", commands=listed), **{f"{_file(page)}.md": _page(page) for page in found}}


def _file(page: CommandPage) -> str:
    return page.name.replace(" ", "-")


def _page(page: CommandPage) -> str:
    parts = [f"# textwright {page.name}\n"]
    for part in page.help.strip().split("\n\n"):
        is_example = part.startswith(_EXAMPLE)
        parts.append(fence("console", f"$ {part.removeprefix(_EXAMPLE)}") if is_example else paragraphs(part) + "\n")
    parts.append(fence("text", page.usage))
    parts.append(f"```{{program}} textwright {page.name}\n```\n")
    ordered = sorted(page.flags, key=lambda flag: [item.group for item in page.flags].index(flag.group))
    for group, flags in groupby(ordered, key=lambda flag: flag.group):
        parts += [f"## {group}\n", *(_entry(flag) for flag in flags)]
    return "\n".join(parts)


def _entry(flag: Flag) -> str:
    directive = "option" if flag.variable else "describe"
    typed = ", ".join(f"{name} {flag.kind}".strip() if name == flag.names[0] else name for name in flag.names)
    families = "Settings: [of the families](../settings/families.md)." if flag.names[0].startswith(MODEL) else ""
    facts = [
        "Required." if flag.is_required else "",
        f"Default: {code(flag.default)}." if flag.default else "",
        f"Bounds: {flag.bounds}." if flag.bounds else "",
        f"Variable: {code(flag.variable)}." if flag.variable else "",
        families,
    ]
    body = f"{paragraphs(flag.help)}\n\n{' '.join(fact for fact in facts if fact)}"
    return f"````{{{directive}}} {typed}\n\n{body.strip()}\n````\n"
