"""The page at ``/`` in a real browser: one text and why, many texts and back, keys, several models, errors in words."""

from __future__ import annotations

import csv
import io

import pytest

pytestmark = pytest.mark.browser

SIZES = [(1200, 900), (400, 800)]
SCHEMES = ["light", "dark"]
EMOJI = "\U0001f468\u200d\U0001f469"


def type_text(watched, text):
    watched.page.locator("#text").focus()
    watched.page.keyboard.type(text)
    watched.page.keyboard.press("Control+Enter")


def assert_sound(watched, width=1200):
    assert watched.page.evaluate("document.documentElement.scrollWidth") <= width, "the page scrolls sideways"
    assert watched.faults == []


def score(watched, content):
    watched.page.locator("#lines").fill(content)
    watched.page.get_by_role("button", name="Score").press("Enter")


def scored_rows(watched):
    with watched.page.expect_download() as waiting:
        watched.page.get_by_role("button", name="Download all as CSV").click()
    content = waiting.value.path().read_text(encoding="utf-8")
    return list(csv.DictReader(io.StringIO(content, newline="")))


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_text_typed_by_keyboard_is_answered_and_explained(open_page, served, width, height, scheme):
    watched = open_page(served, allowed=served, width=width, height=height, scheme=scheme)
    type_text(watched, f"{EMOJI} an awful but good film")
    watched.page.locator(".verdict").filter(has_text="negative").wait_for()
    watched.page.get_by_text("Why negative?").wait_for()
    assert watched.page.locator(".words mark.for").all_text_contents() == ["awful"]
    assert watched.page.locator(".words mark.against").all_text_contents() == ["good"]
    assert watched.page.locator(".words").text_content() == f"{EMOJI} an awful but good film"
    assert_sound(watched, width)


def test_a_cascade_says_which_stage_answered(open_page, served_cascade):
    watched = open_page(served_cascade, allowed=served_cascade)
    type_text(watched, "great")
    watched.page.get_by_text("answered by the fast stage").wait_for()
    watched.page.locator("#text").fill("a subtle film")
    watched.page.get_by_text("answered by the strong stage").wait_for()
    assert_sound(watched)


def test_the_explanation_can_be_read_without_colors(open_page, served):
    watched = open_page(served, allowed=served)
    type_text(watched, "awful good film")
    watched.page.get_by_text("Why negative?").wait_for()
    watched.page.get_by_text("Words in numbers").press("Enter")
    rows = watched.page.locator("#explanation tbody tr").all_inner_texts()
    assert [row.split("\t")[:2] for row in rows] == [["awful", "for"], ["good", "against"], ["film", "neither"]]
    lines = {
        side: watched.page.locator(f".words .{side}").evaluate("one => getComputedStyle(one).textDecorationStyle")
        for side in ("for", "against")
    }
    assert lines == {"for": "solid", "against": "dashed"}


def test_explaining_can_be_switched_off(open_page, served):
    watched = open_page(served, allowed=served)
    watched.page.get_by_label("Explain").uncheck()
    bodies = []
    watched.page.on("request", lambda request: bodies.append(request.post_data))
    type_text(watched, "good")
    watched.page.locator(".verdict").filter(has_text="positive").wait_for()
    watched.page.wait_for_timeout(600)
    assert bodies
    assert not any("explain" in (body or "") for body in bodies)
    assert not watched.page.locator("#explanation").is_visible()


def test_markup_in_a_text_stays_text(open_page, served):
    watched = open_page(served, allowed=served)
    type_text(watched, "good <img src=x onerror=alert(1)> film")
    watched.page.get_by_text("Why positive?").wait_for()
    score(watched, "<b>good</b>")
    watched.page.get_by_role("cell", name="<b>good</b>").wait_for()
    assert_sound(watched)


def test_a_refused_request_is_said_in_words(open_page, served):
    watched = open_page(served, allowed=served)
    watched.page.route("**/v1/predict", lambda route: route.abort())
    type_text(watched, "good")
    watched.page.locator("[role=alert]").filter(has_text="server").wait_for()


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_lines_come_back_scored(open_page, served, width, height):
    watched = open_page(served, allowed=served, width=width, height=height)
    score(watched, 'a good film\n\nawful, and "bad"\n' + "the film\n" * 20)
    watched.page.get_by_text("22 of 22 texts scored").wait_for()
    assert watched.page.locator("#scored tbody tr").count() == 10
    rows = scored_rows(watched)
    assert [row["text"] for row in rows[:3]] == ["a good film", 'awful, and "bad"', "the film"]
    assert [row["predicted_label"] for row in rows[:2]] == ["positive", "negative"]
    assert_sound(watched, width)


def test_a_csv_keeps_its_columns_and_more_rows_than_a_request_holds(open_page, served):
    watched = open_page(served, allowed=served)
    rows = [f'{number},"{"good" if number % 2 else "awful"}\n{number}"' for number in range(2_500)]
    content = "\n".join(["id,text", *rows]).encode()
    watched.page.locator("#file").set_input_files({"name": "rows.csv", "mimeType": "text/csv", "buffer": content})
    watched.page.get_by_text("2500 of 2500 texts scored").wait_for()
    found = scored_rows(watched)
    assert [int(row["id"]) for row in found] == list(range(2_500))
    assert [row["predicted_label"] for row in found[:2]] == ["negative", "positive"]
    assert found[7]["text"] == "good\n7"
    assert_sound(watched)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "There is no text"),
        ("id,text\n1,good\n2\n", "Line 3 has 1 fields, but line 1 names 2 columns"),
        ('id,text\n1,"good\n', "Line 2: a quotation mark is opened and not closed"),
        ("text,predicted_label\ngood,positive\n", "predicted_label"),
    ],
)
def test_a_broken_table_is_said_in_words(open_page, served, content, sentence):
    watched = open_page(served, allowed=served)
    score(watched, content)
    watched.page.locator("#many-problem").filter(has_text=sentence).wait_for()
    assert not watched.page.locator("#scored").is_visible()


def test_a_file_is_chosen_and_one_that_is_not_utf8_is_refused(open_page, served, tmp_path):
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_bytes("\ufefftext\r\ncaf\u00e9 good\r\n".encode())
    bad.write_bytes("text\r\ncaf\u00e9\r\n".encode("latin-1"))
    watched = open_page(served, allowed=served)
    watched.page.locator("#file").set_input_files(good)
    watched.page.get_by_role("cell", name="caf\u00e9 good").wait_for()
    watched.page.locator("#file").set_input_files(bad)
    watched.page.get_by_text("bad.csv is not text in UTF-8").wait_for()


def test_a_file_is_dropped(open_page, served):
    watched = open_page(served, allowed=served)
    watched.page.evaluate("""() => {
        const data = new DataTransfer();
        data.items.add(new File(["good film\\nawful film\\n"], "lines.txt", { type: "text/plain" }));
        find("#many").dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
    }""")
    watched.page.get_by_text("2 of 2 texts scored").wait_for()


def test_a_server_with_keys_asks_for_one(open_page, served_with_keys):
    watched = open_page(served_with_keys, allowed=served_with_keys)
    key = watched.page.get_by_label("API key")
    key.wait_for()
    key.fill("wrong")
    key.press("Enter")
    watched.page.locator("#problem").filter(has_text="key").wait_for()
    key.fill("secret")
    key.press("Enter")
    watched.page.locator("#facts").filter(has_text="2 labels").wait_for()
    type_text(watched, "good")
    watched.page.get_by_text("Why positive?").wait_for()
    score(watched, "good\nbad")
    watched.page.get_by_text("2 of 2 texts scored").wait_for()
    assert "secret" not in watched.page.locator("#curl").text_content()


@pytest.mark.parametrize("width", [1200, 320])
def test_one_of_several_models_is_chosen(open_page, served_twice, width):
    watched = open_page(served_twice, allowed=served_twice, width=width)
    watched.page.get_by_label("Model").select_option(index=1)
    type_text(watched, "song and story")
    watched.page.locator(".verdict").filter(has_text="music, plot").wait_for()
    watched.page.get_by_text("Why music?").wait_for()
    score(watched, "actor")
    watched.page.get_by_role("cell", name="acting").wait_for()
    assert_sound(watched, width)
