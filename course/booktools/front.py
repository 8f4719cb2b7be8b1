"""``python -m booktools.front``: take the picture of the page in front of the API that lesson 24 shows.

Serves the lesson's model and its page, as the lesson does, opens the page in Chromium and waits for the answer. Needs
Playwright (group ``browser``) and Chromium.
"""

from __future__ import annotations

import re
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from booktools.layout import BUILD, COURSE, PROFILES
from booktools.screens import chromium

RECORDED: Final = COURSE / "recorded" / "24-front.png"
_SIZE: Final = {"width": 900, "height": 400}
_ADDRESS: Final = re.compile(r"http://127\.0\.0\.1:\d+")


def main() -> int:
    """Take the picture; return the exit code."""
    from bookkit.commands import serving

    found = [BUILD / "work" / profile / "24-rest-api" for profile in reversed(PROFILES)]
    work = next((folder for folder in found if (folder / "site" / "index.html").is_file()), None)
    if work is None:
        print("error: lesson 24 was not executed here; run: make course-full LESSONS=24", file=sys.stderr)
        return 1
    site = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(work / "site")))
    threading.Thread(target=site.serve_forever, daemon=True).start()
    origin = f"http://127.0.0.1:{site.server_address[1]}"
    with serving(work / "runs" / "bow", "--cors-origins", origin) as api, chromium() as browser:
        path = work / "site" / "index.html"
        path.write_text(_ADDRESS.sub(api, path.read_text(encoding="utf-8")), encoding="utf-8")
        page = browser.new_page(viewport=_SIZE)
        page.goto(origin)
        page.locator("output").filter(has_text="sure").wait_for(timeout=30_000)
        page.screenshot(path=RECORDED)
    site.shutdown()
    print(f"wrote {RECORDED} ({RECORDED.stat().st_size / 1000:.0f} kB)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
