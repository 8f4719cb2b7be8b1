"""Decks as PDF, printed by Chromium. Needs Playwright (group ``browser``) and Chromium."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from playwright.sync_api import sync_playwright

from booktools.lessons import LessonError
from textwright.core.files import atomic_file

_PRINTED: Final = "document.querySelectorAll('.pdf-page').length >= {} && document.fonts.status === 'loaded'"


def write_pdfs(pages: Sequence[Path]) -> list[Path]:
    """Print decks, one slide a page; after each slide a page with what one says.

    Args:
        pages: HTML files of decks.

    Returns:
        The PDF files, beside the pages.

    Raises:
        LessonError: If Chromium is not installed.
    """
    chromium = shutil.which("chromium")
    if chromium is None:
        raise LessonError("chromium is not installed, and prints the PDF; install Debian's package chromium")
    written = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for page in pages:
            tab = browser.new_page()
            tab.goto(f"{page.as_uri()}?view=print&showNotes=separate-page")
            tab.wait_for_function(_PRINTED.format(tab.locator("section").count()))
            written.append(page.with_suffix(".pdf"))
            with atomic_file(written[-1]) as file:
                file.write(tab.pdf(prefer_css_page_size=True, print_background=True))
        browser.close()
    return written
