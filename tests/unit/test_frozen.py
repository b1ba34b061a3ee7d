"""A cell is frozen beside its results so that one pasted command runs it again as it was (CHS-6)."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest
from crashrig_samples import cell

from crashrig.driving.config_choice import ConfigChoice
from crashrig.driving.frozen import FrozenError, command_for, read_frozen, write_frozen
from crashrig.reading.scenario_file import ScenarioError


def test_what_was_frozen_comes_back(tmp_path: Path) -> None:
    one = cell(pace=7.0)
    write_frozen(one, tmp_path)
    for place in (tmp_path, tmp_path / "repro"):
        frozen, scenario = read_frozen(place)
        assert (frozen.key, frozen.subject, frozen.pace, frozen.override) == (one.key, "holdfast", 7.0, "")
        assert scenario == one.scenario


def test_the_user_s_configuration_is_frozen_too(tmp_path: Path) -> None:
    config = tmp_path / "mine.conf"
    config.write_text("as it was")
    write_frozen(msgspec.structs.replace(cell(), config=ConfigChoice("mine", str(config))), tmp_path / "cell")
    config.write_text("as it is now")
    frozen, _ = read_frozen(tmp_path / "cell")
    assert Path(frozen.override).read_text() == "as it was"


def test_there_is_a_script_to_run(tmp_path: Path) -> None:
    write_frozen(cell(), tmp_path)
    assert os.access(tmp_path / "repro" / "repro.sh", os.X_OK)


def test_a_place_without_a_frozen_cell_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FrozenError, match=r"cell\.json: No such file or directory; expected the repro/ directory"):
        read_frozen(tmp_path)


def test_a_scenario_that_was_changed_for_the_worse_is_refused(tmp_path: Path) -> None:
    path = write_frozen(cell(), tmp_path)
    path.write_text(path.read_text().replace("worker.live", "worker.life"))
    with pytest.raises(ScenarioError, match="worker"):
        read_frozen(tmp_path)


def test_the_command_is_short_where_it_can_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert command_for(tmp_path / "reports" / "x") == "crashrig reproduce reports/x/repro"
    assert command_for(tmp_path.parent / "a b") == f"crashrig reproduce '{tmp_path.parent}/a b/repro'"
