"""The two pages for people: ``/`` to try the model, ``/docs`` to read and try the API. They load nothing from outside.

Each is one hand-written file beside this module. Its content security policy admits exactly the scripts and styles in
that file, by their hashes, and requests to this server.
"""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from importlib import resources
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_INLINE = re.compile(r"<(script|style)>(.*?)</\1>", re.DOTALL)

PAGES: Final = {"/": "page.html", "/docs": "docs.html"}
"""Address -> file."""


def build_routes() -> list[Route]:
    """Read the pages once and make their routes.

    Returns:
        One route per page, answering GET and HEAD.
    """
    return [_route(path, file) for path, file in PAGES.items()]


def security_policy(html: str) -> str:
    """Write the content security policy of a page.

    Args:
        html: The page; its scripts and styles stand inside it.

    Returns:
        The value of the header content-security-policy.

    Source:
        W3C, "Content Security Policy Level 3", section 2.3.1 (hash sources).
    """
    hashes: dict[str, list[str]] = {"script": [], "style": []}
    for kind, content in _INLINE.findall(html):
        hashes[kind].append(f"'sha256-{b64encode(sha256(content.encode()).digest()).decode()}'")
    return (
        f"default-src 'none'; script-src {' '.join(hashes['script'])}; style-src {' '.join(hashes['style'])}; "
        "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _route(path: str, file: str) -> Route:
    html = resources.files(__package__).joinpath(file).read_text(encoding="utf-8")
    headers = {"content-security-policy": security_policy(html)}

    async def page(_: Request) -> Response:
        return Response(html, headers=headers, media_type="text/html")

    return Route(path, page, name=file)
