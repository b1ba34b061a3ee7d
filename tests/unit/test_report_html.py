"""index.html as text: self-contained, its policy, its data, and foul text that stays text."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from report_samples import HOSTILE, sample_run

from crashrig.report import html
from crashrig.report.text import visible
from crashrig.results import Run

if TYPE_CHECKING:
    from pathlib import Path


class Page(HTMLParser):
    """The elements of a page, with the text of scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {"script": [], "style": []}
        self._open = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._open = tag
        if tag in self.texts:
            self.texts[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open in self.texts:
            self.texts[self._open][-1] += data


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Page:
    directory = tmp_path_factory.mktemp("run")
    return Page(html.write(sample_run(directory), directory).read_text("utf-8"))


def test_the_page_loads_nothing(page: Page) -> None:
    assert not [tag for tag, _ in page.elements if tag in ("link", "img", "iframe", "object", "embed")]
    assert not [
        attributes for _, attributes in page.elements if {"src", "style", "onclick", "onload"} & set(attributes)
    ]
    links = {attributes["href"] for tag, attributes in page.elements if tag == "a"}
    assert not [link for link in links if link and re.match(r"[a-z]+:|//", link)]


def test_the_policy_allows_exactly_the_inline_style_and_program(page: Page) -> None:
    policy = next(a["content"] for _, a in page.elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for text in (page.texts["style"][0], page.texts["script"][-1]):
        assert "sha256-" + b64encode(sha256(text.encode()).digest()).decode() in policy


def test_foul_text_opens_no_element(page: Page) -> None:
    scripts = [attributes for tag, attributes in page.elements if tag == "script"]
    assert [attributes for attributes in scripts if attributes.get("type") != "application/json"] == [{}]
    assert not [tag for tag, _ in page.elements if tag not in _KNOWN]


_KNOWN = {
    *(
        "html",
        "head",
        "meta",
        "title",
        "style",
        "script",
        "noscript",
        "body",
        "header",
        "main",
        "footer",
        "nav",
        "dialog",
    ),
    *("section", "article", "a", "p", "span", "div", "h1", "h2", "h3", "b", "small", "strong", "code", "svg", "rect"),
    *("dl", "dt", "dd", "ul", "li", "table", "thead", "tbody", "tr", "th", "td"),
    *("form", "label", "input", "select", "option", "output", "button"),
}


def test_the_data_holds_the_foul_text_as_it_can_be_shown(page: Page) -> None:
    cells = json.loads(page.texts["script"][-2])
    assert len(cells) == 180
    foul = next(cell for cell in cells if cell["key"] == "state/second_supervisor[leaves-trees]")
    assert foul["why"] == visible(HOSTILE)
    assert foul["files"] == ["history.jsonl", "supervisor.log"]


def test_every_timeline_is_json_and_belongs_to_a_cell(page: Page) -> None:
    names = [attributes["id"] for tag, attributes in page.elements if tag == "script" and attributes]
    blocks = dict(zip(names, page.texts["script"], strict=False))
    assert len([name for name in blocks if str(name).startswith("timeline-")]) == 180 - 17 - 1, (
        "unsupported, and one lost"
    )
    assert all(json.loads(text) for text in blocks.values())


def test_the_matrix_is_there_without_a_program(page: Page) -> None:
    squares = [a for tag, a in page.elements if tag == "button" and "square" in str(a.get("class"))]
    assert len(squares) == 180
    assert len([a for tag, a in page.elements if tag == "tr" and a.get("class") == "row"]) == 45


def test_a_run_of_nothing_has_a_page(tmp_path: Path) -> None:
    text = html.page(Run(id="1", version="0", argv=[], started=""), tmp_path)
    assert "Nothing ran." in text


def test_a_hundred_thousand_observations_make_a_page_of_a_few_megabytes(tmp_path: Path) -> None:
    from crashrig.history import Header, History, Observation, write_history

    run = sample_run(tmp_path, scenarios=1, hostile=False)
    beats = [Observation(t=n / 100, what="beat", agent="worker", generation=1 + n // 50) for n in range(100_000)]
    path = tmp_path / run.cells[1].directory / "history.jsonl"
    write_history(path, History(header=Header(scenario="x", subject="holdfast"), observations=beats))
    assert len(html.page(run, tmp_path)) < 3_000_000
