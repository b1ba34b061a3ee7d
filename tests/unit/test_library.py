"""Finding scenarios by id, folder, glob and path, and choosing among them."""

from __future__ import annotations

from pathlib import Path

import pytest

from crashrig.reading.library import Filters, NothingSelected, builtin_root, find, select
from crashrig.reading.scenario_file import ScenarioError

TEXT = """
title    = "{title}"
promises = ["{promise}"]
timeout  = "1m"
level    = "{level}"
tags     = {tags}
[agents.worker]
behaviour = [{{ exit = 1 }}]
[[expect]]
always = "worker.live <= 1"
"""

FILES = {
    "stop/kills_the_tree.toml": ("STOP-2", "must", ["smoke"]),
    "stop/term_then_kill.toml": ("STOP-1", "should", []),
    "restart/after_crash.toml": ("RST-1", "must", ["smoke", "fast"]),
    "deep/er/still.toml": ("RST-2", "may", []),
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, (promise, level, tags) in FILES.items():
        _write(tmp_path / "scenarios" / name, promise, level, tags)
    _write(tmp_path / "scenarios/.hidden/x.toml", "RST-1", "must", [])
    (tmp_path / "scenarios/README.md").write_text("not a scenario")
    return tmp_path / "scenarios"


def _write(path: Path, promise: str = "RST-1", level: str = "must", tags: list[str] | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(TEXT.format(title=path.stem, promise=promise, level=level, tags=tags or []))


def _ids(root: Path, *arguments: str) -> list[str]:
    return list(find(arguments, root))


def test_without_arguments_all_in_a_fixed_order(root: Path) -> None:
    assert _ids(root) == ["deep/er/still", "restart/after_crash", "stop/kills_the_tree", "stop/term_then_kill"]


@pytest.mark.parametrize(
    ("argument", "ids"),
    [
        ("stop/kills_the_tree", ["stop/kills_the_tree"]),
        ("stop", ["stop/kills_the_tree", "stop/term_then_kill"]),
        ("stop/", ["stop/kills_the_tree", "stop/term_then_kill"]),
        ("deep", ["deep/er/still"]),
        ("*kill*", ["stop/kills_the_tree", "stop/term_then_kill"]),
        ("*/??????crash", ["restart/after_crash"]),
        ("[rs]*/*r_crash", ["restart/after_crash"]),
    ],
)
def test_ids_folders_and_globs(root: Path, argument: str, ids: list[str]) -> None:
    assert _ids(root, argument) == ids


def test_the_order_of_arguments_and_naming_twice_change_nothing(root: Path) -> None:
    both = ["restart/after_crash", "stop/kills_the_tree", "stop/term_then_kill"]
    assert _ids(root, "stop", "restart", "*kill*") == both


def test_a_path_inside_the_root_has_its_id(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _ids(root, str(root / "stop/kills_the_tree.toml")) == ["stop/kills_the_tree"]
    monkeypatch.chdir(root)
    assert _ids(root, "./stop") == ["stop/kills_the_tree", "stop/term_then_kill"]


def test_a_file_of_the_users_own_has_its_path_as_id(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _write(root.parent / "mine/one.toml")
    _write(root.parent / "mine/two.json")
    monkeypatch.chdir(root.parent)
    assert _ids(root, "mine/one.toml") == ["mine/one.toml"]
    assert _ids(root, "mine") == ["mine/one.toml", "mine/two.json"]
    assert find(["mine/one.toml"], root)["mine/one.toml"] == Path("mine/one.toml")


def test_an_id_wins_over_a_path_of_the_same_name(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _write(root.parent / "elsewhere/stop/mine.toml")
    monkeypatch.chdir(root.parent / "elsewhere")
    assert "stop/mine.toml" not in _ids(root, "stop")
    assert _ids(root, "./stop") == ["stop/mine.toml"]


def test_a_misspelt_id_is_told_the_nearest(root: Path) -> None:
    with pytest.raises(NothingSelected) as caught:
        find(["stop", "stop/kill_the_tree", "zzz"], root)
    first, second = str(caught.value).splitlines()
    assert first.startswith(f"stop/kill_the_tree: no such scenario among the 4 in {root}; near: stop/kills_the_tree")
    assert second == f"zzz: no such scenario among the 4 in {root}; crashrig list shows them all"


def test_a_directory_without_scenarios_is_an_empty_selection(root: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(NothingSelected, match="no scenario in this directory"):
        find([str(tmp_path / "empty")], root)


def test_a_root_without_scenarios_is_an_empty_selection(tmp_path: Path) -> None:
    with pytest.raises(NothingSelected, match=f"no scenario in {tmp_path}"):
        find([], tmp_path)


def test_a_missing_path_is_an_error_of_that_file(root: Path) -> None:
    with pytest.raises(ScenarioError, match=r"\./no\.toml|no\.toml: expected a scenario file, found nothing"):
        select(["./no.toml"], root=root)


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        (Filters(tags=("smoke",)), ["restart/after_crash", "stop/kills_the_tree"]),
        (Filters(tags=("fast", "none")), ["restart/after_crash"]),
        (Filters(levels=("may", "should")), ["deep/er/still", "stop/term_then_kill"]),
        (Filters(promises=("STOP-2", "RST-2")), ["deep/er/still", "stop/kills_the_tree"]),
        (Filters(tags=("smoke",), promises=("RST-1",)), ["restart/after_crash"]),
    ],
    ids=str,
)
def test_filters(root: Path, filters: Filters, ids: list[str]) -> None:
    assert [one.id for one in select([], filters, root)] == ids


def test_filters_that_leave_nothing_say_what_there_is(root: Path) -> None:
    with pytest.raises(NothingSelected) as caught:
        select([], Filters(tags=("smok",), levels=("may",)), root)
    assert str(caught.value) == "none of 4 scenarios has tag smok and level may; tags: fast, smoke"


def test_everything_that_is_wrong_in_several_files_is_told(root: Path) -> None:
    for name in ("stop/kills_the_tree.toml", "restart/after_crash.toml"):
        (root / name).write_text((root / name).read_text().replace("worker.live", "worker.lives"))
    with pytest.raises(ScenarioError) as caught:
        select([], root=root)
    assert [line.split(":")[0].rpartition("/")[2] for line in caught.value.lines] == [
        "after_crash.toml",
        "kills_the_tree.toml",
    ]


def test_the_built_in_scenarios_are_found_and_valid() -> None:
    assert builtin_root().name == "scenarios"
    assert len(select()) >= 40
