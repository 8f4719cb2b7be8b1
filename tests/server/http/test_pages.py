"""The pages load nothing from outside, and the browser runs exactly what stands in their files."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256

import pytest

from textwright.server.http.pages import PAGES, security_policy


@pytest.mark.parametrize("path", PAGES)
def test_a_page_loads_nothing_from_outside(client, path):
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert set(re.findall(r"https?://[^\s'\"]+", answer.text)) <= {"http://www.w3.org/2000/svg"}
    assert re.search(r"<(link|script)[^>]*(href|src)=\"(?!data:)", answer.text) is None
    assert re.search(r"\son\w+=|style=\"", answer.text) is None  # the policy forbids inline handlers and styles


@pytest.mark.parametrize("path", PAGES)
def test_the_policy_admits_the_scripts_and_styles_of_the_page_alone(client, path):
    answer = client.get(path)
    policy = answer.headers["content-security-policy"]
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["default-src"] == "'none'"
    for directive, tag in (("script-src", "script"), ("style-src", "style")):
        (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", answer.text, re.DOTALL)
        assert directives[directive] == f"'sha256-{b64encode(sha256(content.encode()).digest()).decode()}'"


def test_the_policy_changes_with_the_script():
    assert security_policy("<script>a</script><style></style>") != security_policy("<script>b</script><style></style>")


@pytest.mark.parametrize("path", PAGES)
def test_a_page_answers_head_requests(client, path):
    assert client.head(path).status_code == 200


@pytest.mark.parametrize("path", PAGES)
def test_every_address_that_a_page_uses_is_there(client, path):
    html = client.get(path).text
    used = {*re.findall(r'href="([a-z][\w./-]*)"', html), *re.findall(r'(?:fetch|send)\("([^"]+)"', html)}
    assert used
    assert all(client.get(f"/{address}").status_code in {200, 405} for address in used)
