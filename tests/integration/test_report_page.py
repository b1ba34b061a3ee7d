"""index.html in a real browser: nothing is refused, cells open, filters filter, keys move, foul text stays text."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from browser import CHROMIUM, Browser
from report_samples import sample_run

from crashrig.report import html
from crashrig.report.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.real, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    directory = tmp_path_factory.mktemp("run")
    return html.write(sample_run(directory), directory).as_uri()


@pytest.fixture
def page(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("profile")) as browser:
        browser.load(url)
        yield browser
        assert not browser.complaints


def cell(key: str) -> str:
    return f"#cell={quote(key, safe='')}"


def choose(page: Browser, **filters: str) -> object:
    for name, value in filters.items():
        page.evaluate(f"document.getElementById('filter-{name}').value = '{value}'")
    page.evaluate("document.getElementById('filters').dispatchEvent(new Event('input'))")
    return page.evaluate("document.getElementById('filter-count').textContent")


def test_a_reader_filters_moves_and_opens_a_cell_by_keys(page: Browser) -> None:
    assert choose(page) == "45 scenarios"
    assert choose(page, text="rst-11", verdict="attention") == "4 of 45 scenarios"
    assert choose(page, subject="1") == "0 of 45 scenarios", "holdfast has nothing that is not fine"
    choose(page, subject="", verdict="", text="tree/")
    page.evaluate("document.querySelector('button.square[tabindex=\"0\"]').focus()")
    for key, code in (("ArrowRight", 39), ("ArrowRight", 39), ("ArrowDown", 40)):
        page.press(key, code)
    page.press("Enter", 13)
    page.wait_for("document.getElementById('cell').open")
    assert page.evaluate("document.getElementById('cell-name').textContent") == (
        "✗ failed tree/own_session on supervisord"
    )
    assert page.evaluate("document.querySelector('.why').textContent") == "left 4 processes of dead runs alive"
    page.press("j", 74)
    page.wait_for("document.getElementById('cell-name').textContent.includes('tree/double_fork')")
    page.press("Escape", 27)
    page.wait_for("!document.getElementById('cell').open")
    page.wait_for("document.activeElement.closest('tr')?.querySelector('.name').textContent === 'double_fork'")


def test_the_timeline_is_drawn_and_read_out(page: Browser, url: str) -> None:
    page.load(url + cell("tree/crash_leaves_nothing[supervisord]"))
    page.wait_for("document.querySelector('.figure canvas')?.height > 100")
    colours = (
        "new Set(new Uint32Array(document.querySelector('.figure canvas').getContext('2d')"
        ".getImageData(200, 40, 600, 120).data.buffer)).size"
    )
    page.wait_for(f"{colours} > 5")
    page.evaluate("document.querySelector('.figure canvas').focus()")
    for _ in range(30):
        page.press("ArrowRight", 39)
    readout = str(page.evaluate("document.querySelector('.readout').textContent"))
    assert "worker: start 2 alive" in readout
    assert "4 processes" in readout
    assert "judged by ✓ 1, ✓ 2, ✗ 3" in readout
    page.evaluate("document.querySelectorAll('button.number')[2].click()")
    page.evaluate("document.querySelector('details').open = true")
    page.wait_for("document.querySelectorAll('.listing li').length > 10")
    assert "processes still alive at the end" in str(page.evaluate("document.querySelector('.listing').textContent"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_foul_text_and_lost_histories_are_shown(scheme: str, page: Browser, url: str) -> None:
    page.media(scheme=scheme)
    page.load(url + cell("state/second_supervisor[leaves-trees]"))
    page.wait_for("document.getElementById('cell').open")
    shown = str(page.evaluate("document.querySelector('.why').textContent"))
    assert shown == visible(shown)
    assert shown.startswith("</script><script>alert(1)</script>")
    page.load(url + cell("stop/slow_term[leaves-trees]"))
    page.wait_for("document.querySelector('#cell-body .warning')?.textContent.includes('cut off')")
    page.load(url + cell("stop/stopped_agent[leaves-trees]"))
    page.wait_for("document.querySelector('#cell-body .warning')?.textContent.includes('No such file')")
    assert page.evaluate("document.querySelector('.figure')") is None
