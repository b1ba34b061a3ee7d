"""Conversations with the core, reviewed like prose: tests/golden/core/*.txt, written anew by --rewrite."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import core_driver
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent


@pytest.mark.parametrize("path", sorted((HERE / "core").glob("*.txt")), ids=lambda path: path.stem)
def test_transcript(path: Path, golden: Callable[[Path, str], None]) -> None:
    golden(path, core_driver.converse(path.read_text(encoding="utf-8")))


def test_there_are_transcripts() -> None:
    assert len(list((HERE / "core").glob("*.txt"))) >= 12
