"""docs/requirements.md is true: every promise is there, and what it says of scenarios agrees with them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from crashrig.promises import PROMISES

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "requirements.md"
ENTRY = re.compile(r"^- \*\*([A-Z]+-\d+)\*\* (.*)$")
SHOWN = re.compile(r"^  Shown by: (.*)$")
ABOUT_THE_RIG = {"CHS"}
SHOWN_BY_TESTS = {"PRE-3", "OBS-1"}
"""No fault breaks a configuration, and a journal is no agent: tests/golden, tests/integration and tests/parity do."""


def citations() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path in sorted((ROOT / "scenarios").rglob("*.toml")):
        name = path.relative_to(ROOT / "scenarios").with_suffix("").as_posix()
        for promise in tomllib.loads(path.read_text(encoding="utf-8"))["promises"]:
            found.setdefault(promise, []).append(name)
    return found


def rewritten() -> str:
    cited, lines = citations(), []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if SHOWN.match(line):
            continue
        lines.append(line)
        entry = ENTRY.match(line)
        if entry and (names := cited.get(entry[1])):
            lines.append("  Shown by: " + ", ".join(f"`{name}`" for name in names))
    return "\n".join(lines) + "\n"


def test_the_page_names_the_scenarios_that_cite_each_promise(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--rewrite"):
        PAGE.write_text(rewritten(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == rewritten(), "run pytest with --rewrite and read the difference"


def test_every_known_promise_has_its_line() -> None:
    page = [entry[1] for line in PAGE.read_text(encoding="utf-8").splitlines() if (entry := ENTRY.match(line))]
    assert page == list(PROMISES)


def test_every_promise_that_is_built_is_shown_by_a_scenario() -> None:
    cited = citations()
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        entry = ENTRY.match(line)
        if not entry or "Not built yet" in line or "In part" in line:
            continue
        if entry[1].split("-")[0] in ABOUT_THE_RIG or entry[1] in SHOWN_BY_TESTS:
            continue
        assert cited.get(entry[1]), f"{entry[1]} is said to be built, and no scenario cites it"


def test_no_scenario_cites_what_is_not_built() -> None:
    missing = {
        entry[1]
        for line in PAGE.read_text(encoding="utf-8").splitlines()
        if (entry := ENTRY.match(line)) and "Not built yet." in line
    }
    assert not missing & set(citations())
