"""What a run has left on the machine: told from what was there before and from what is others' business (CHS-4)."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from crashrig.driving import host
from crashrig.driving.host import snapshot
from crashrig.sandbox.sweep import MARKER

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def bases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A directory that looks like a hierarchy of control groups, and a place for scratch directories."""
    for name in ("groups", "scratch"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(host, "scratch_root", lambda: tmp_path / "scratch")
    return {"unified": str(tmp_path / "groups")}


def make_group(bases: dict[str, str], name: str) -> str:
    path = f"{bases['unified']}/{name}"
    os.mkdir(path)
    return path


def test_nothing_new_is_nothing_left(bases: dict[str, str]) -> None:
    make_group(bases, "of-the-machine")
    before = snapshot("abc", bases)
    assert snapshot("abc", bases).left_since(before) == []


def test_what_carries_the_run_s_name_is_left(bases: dict[str, str], tmp_path: Path) -> None:
    before = snapshot("abc", bases)
    group = make_group(bases, "crashrig-abc-1")
    (tmp_path / "scratch" / "crashrig-abc-1").mkdir()
    left = snapshot("abc", bases).left_since(before)
    assert left == [f"control group {group}", f"directory {tmp_path}/scratch/crashrig-abc-1"]


def test_what_is_others_is_not_ours(bases: dict[str, str], tmp_path: Path) -> None:
    before = snapshot("abc", bases)
    make_group(bases, "crashrig-def-1")
    make_group(bases, "somebody.123")
    (tmp_path / "scratch" / "crashrig-abcd-1").mkdir()
    assert snapshot("abc", bases).left_since(before) == []


@pytest.mark.real
def test_a_process_with_the_mark_is_left(bases: dict[str, str]) -> None:
    before = snapshot("abc", bases)
    process = subprocess.Popen(["sleep", "5"], env={**os.environ, MARKER: "abc/3"})
    try:
        [left] = snapshot("abc", bases).left_since(before)
        assert left.startswith(f"process {process.pid} ")
        assert snapshot("ab", bases).left_since(before) == []
    finally:
        process.kill()
        process.wait()
