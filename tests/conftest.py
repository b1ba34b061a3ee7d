"""What all tests share: `--rewrite` for golden texts, and the check that no test leaves a process behind."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rewrite", action="store_true", help="write golden texts anew instead of comparing them")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[Path, str], None]:
    """Compare a text with a golden file, or write the file under --rewrite; a person reviews the difference."""

    def compare(path: Path, text: str) -> None:
        if request.config.getoption("--rewrite"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            return
        assert path.exists(), f"{path} is missing: run pytest with --rewrite and read what it writes"
        assert text == path.read_text(encoding="utf-8"), f"{path.name} differs: read it, then run with --rewrite"

    return compare


def _children() -> set[int]:
    found: set[int] = set()
    for task in Path("/proc/self/task").iterdir():
        try:
            found.update(int(pid) for pid in (task / "children").read_text().split())
        except OSError:
            continue
    return found


@pytest.fixture(autouse=True)
def no_process_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test marked `real` must end every child it started (CHS-4)."""
    if request.node.get_closest_marker("real") is None:
        yield
        return
    before = _children()
    yield
    deadline = time.monotonic() + 5.0
    while (left := _children() - before) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not left, f"left behind by {request.node.nodeid}: {sorted(left)}"


def _groups() -> set[Path]:
    return {path for base in ("", "*/", "*/*/") for path in Path("/sys/fs/cgroup").glob(f"{base}holdfast.*")}


@pytest.fixture(autouse=True, scope="session")
def no_group_left() -> Iterator[None]:
    """A holdfast that a test has killed by SIGKILL leaves an empty group, which its next one would remove (CHS-4)."""
    before = _groups()
    yield
    for group in _groups() - before:
        if Path("/proc", group.name.removeprefix("holdfast.")).exists():
            continue  # somebody else's, and at work
        for path in sorted((path for path in group.rglob("*") if path.is_dir()), reverse=True):
            path.rmdir()
        group.rmdir()


@pytest.fixture(autouse=True)
def quiet_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test depends on what the caller's environment says to holdfast or crashrig."""
    for name in [name for name in os.environ if name.startswith(("HOLDFAST_", "CRASHRIG_"))]:
        monkeypatch.delenv(name)
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "NOTIFY_SOCKET"):
        monkeypatch.delenv(name, raising=False)
