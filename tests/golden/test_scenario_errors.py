"""What authors are told of wrong scenarios: each file in tests/golden/scenarios beside the text it leads to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from crashrig.reading.scenario_file import SUFFIXES, ScenarioError, parse_scenario

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent / "scenarios"
WRONG = sorted(path for path in HERE.iterdir() if path.suffix in SUFFIXES)


@pytest.mark.parametrize("path", WRONG, ids=lambda path: path.name)
def test_everything_that_is_wrong_is_told(path: Path, golden: Callable[[Path, str], None]) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(path.read_text(encoding="utf-8"), path.name, json=path.suffix == ".json")
    golden(path.with_suffix(f"{path.suffix}.txt"), "".join(f"{line}\n" for line in caught.value.lines))


def test_there_are_wrong_scenarios() -> None:
    assert len(WRONG) >= 12
