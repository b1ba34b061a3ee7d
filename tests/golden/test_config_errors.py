"""What a person is told of a bad configuration: all of it at once, each with its place (PRE-3)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from holdfast.config import ConfigError, load, load_command

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent / "config"

ENVIRON = {
    "HOLDFAST_GRACE": "5",
    "HOLDFAST_BACKOF": "1s",
    "HOLDFAST_BACKOFF": "1s,2",
    "HOLDFAST_HEARTBEAT_TIMOUT": "5s",
    "HOLDFAST_SEED": "x",
    "HOLDFAST_FLEET_START_SPACING": "",
    "HOLDFAST_XYZZY": "1",
}
FLAGS: dict[str, object] = {
    "max_restarts": "-1",
    "backoff": "initial=x,multiplier=2,mx=5s",
    "clean_codes": "0,,1",
    "burst": "3",
    "heartbeat.timeout": "5s",
    "environment": {"A": "1", "": "2"},
}


@pytest.mark.parametrize("path", sorted(HERE.glob("*.toml")), ids=lambda path: path.stem)
def test_errors_of_a_file(path: Path, golden: Callable[[Path, str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HERE)
    with pytest.raises(ConfigError) as caught:
        load(Path(path.name), environ={})
    golden(path.with_suffix(".txt"), _portable(str(caught.value)))


def test_errors_of_all_sources_come_together(
    golden: Callable[[Path, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(HERE)
    with pytest.raises(ConfigError) as caught:
        load(Path("no_agents.toml"), environ=ENVIRON, overrides={"grace": "no"})
    golden(HERE / "all_sources.txt", _portable(str(caught.value)))


def test_errors_of_a_command_line(golden: Callable[[Path, str], None]) -> None:
    with pytest.raises(ConfigError) as caught:
        load_command(["", "x"], name="a b", environ={}, overrides=FLAGS)
    golden(HERE / "command_line.txt", _portable(str(caught.value)))


def test_a_file_that_is_not_there(golden: Callable[[Path, str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HERE)
    with pytest.raises(ConfigError) as caught:
        load(Path("missing.toml"), environ={"HOLDFAST_GRACE": "5"})
    golden(HERE / "missing_file.txt", _portable(str(caught.value)))


def _portable(text: str) -> str:
    return text.replace(str(HERE), "HERE") + "\n"
