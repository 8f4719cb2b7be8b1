"""``python -m booktools.docs_page``: take the picture of the page /docs of the app.py that lesson 24a wrote.

The page loads Swagger UI from another host. Here a browser gets the same files from the Python package
``drf-spectacular-sidecar``, which carries them; the network is not asked. Needs Playwright (group ``browser``),
Chromium and that package.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from typing import Any, Final

from booktools.layout import BUILD, COURSE, PROFILES
from booktools.screens import chromium

RECORDED: Final = COURSE / "recorded" / "24a-docs.png"
_SIZE: Final = {"width": 760, "height": 900}
_BODY: Final = '{"text": "A touching film with a great cast."}'


def main() -> int:
    """Take the picture; return the exit code."""
    from bookkit.commands import application

    folders = [BUILD / "work" / profile / "24a-fastapi" for profile in reversed(PROFILES)]
    work = next((folder for folder in folders if (folder / "app.py").is_file()), None)
    package = importlib.util.find_spec("drf_spectacular_sidecar")
    if work is None or package is None or package.origin is None:
        cure = "make course-full LESSONS=24a, and pip install --no-deps drf-spectacular-sidecar"
        print(f"error: lesson 24a was not executed here, or Swagger UI is missing; run: {cure}", file=sys.stderr)
        return 1
    assets = next(Path(package.origin).parent.rglob("swagger-ui-bundle.js")).parent
    os.chdir(work)
    with application("app:app", MODEL="runs/bow") as api, chromium() as browser:
        page = browser.new_page(viewport=_SIZE)
        page.route(lambda url: not url.startswith(api), lambda route: _from_package(route, assets))
        page.goto(f"{api}/docs")
        _try_predict(page)
        page.screenshot(path=RECORDED, full_page=True, clip=_from_request_to_answer(page))
    print(f"wrote {RECORDED} ({RECORDED.stat().st_size / 1000:.0f} kB)")
    return 0


def _from_package(route: Any, assets: Path) -> None:  # noqa: ANN401
    path = assets / route.request.url.rpartition("/")[2]
    route.fulfill(path=path) if path.is_file() else route.abort()


def _try_predict(page: Any) -> None:  # noqa: ANN401
    """Open the operation, send a text, and wait for the answer."""
    operation = page.locator("#operations-default-predict_predict_post")
    operation.locator(".opblock-summary").click()
    operation.get_by_role("button", name="Try it out").click()
    operation.locator("textarea").fill(_BODY)
    operation.get_by_role("button", name="Execute").click()
    operation.locator(".live-responses-table").filter(has_text="confidence").wait_for(timeout=30_000)
    page.add_style_tag(
        content=".curl-command, .request-url { display: none } "
        "textarea { height: 5em !important; min-height: 0 !important }"
    )
    page.wait_for_timeout(500)


def _from_request_to_answer(page: Any) -> dict[str, float]:  # noqa: ANN401
    """Return the part of the page that holds the request and its answer, without the list of what else may come."""
    first = page.locator("#operations-default-predict_predict_post").bounding_box()
    last = page.locator(".live-responses-table").bounding_box()
    return {**first, "height": last["y"] + last["height"] - first["y"]}


if __name__ == "__main__":
    sys.exit(main())
