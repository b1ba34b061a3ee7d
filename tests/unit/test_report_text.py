"""Foreign text is shown, never obeyed: control characters, markup, endless lines; files are written whole."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crashrig.report.files import inside, write_atomically
from crashrig.report.text import code, markdown, one_line, plural, visible

if TYPE_CHECKING:
    from pathlib import Path


def test_control_characters_are_written_out() -> None:
    assert visible("a\x1b[2J\x00b\u202ec\ud800\n\td") == "a\\x1b[2J\\x00b\\u202ec\\ud800\n\td"


@given(st.text(st.characters(exclude_categories=())))
def test_visible_text_is_legal_in_xml_and_utf8(text: str) -> None:
    element = ET.Element("x")
    element.text = visible(text)
    assert ET.fromstring(ET.tostring(element, "utf-8")).text in (element.text, None)
    assert not {character for character in visible(text) if ord(character) < 32} - {"\n", "\t"}


@given(st.text(), st.integers(min_value=1, max_value=50))
def test_one_line_is_one_line_and_bounded(text: str, limit: int) -> None:
    assert "\n" not in one_line(text, limit)
    assert len(one_line(text, limit)) <= limit


def test_markdown_shows_markup_and_names_nobody() -> None:
    assert markdown("<b>|`x`@me") == "\\<b\\>\\|\\`x\\`@\u200bme"


@pytest.mark.parametrize(("text", "shown"), [("a", "`a`"), ("`a", "`` `a ``"), ("a``b", "```a``b```"), ("", "`  `")])
def test_code_has_a_fence_longer_than_what_is_inside(text: str, shown: str) -> None:
    assert code(text) == shown


def test_counts_agree_with_their_nouns() -> None:
    assert [plural(1, "cell"), plural(2, "cell")] == ["1 cell", "2 cells"]


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "report"
    write_atomically(path, "old")
    with pytest.raises(TypeError):
        write_atomically(path, 3)  # type: ignore[arg-type]
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["report"]


@pytest.mark.parametrize("relative", ["", ".", "..", "../x", "a/../../x", "/etc"])
def test_nothing_outside_of_the_run_is_read(relative: str, tmp_path: Path) -> None:
    assert inside(tmp_path, relative) is None


def test_a_cell_directory_is_inside(tmp_path: Path) -> None:
    assert inside(tmp_path, "holdfast/tree/x") == tmp_path / "holdfast/tree/x"
