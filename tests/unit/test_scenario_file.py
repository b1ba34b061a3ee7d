"""Reading scenario files: what is accepted, and what a file that cannot be read leads to."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from crashrig.quantities import Duration, Window
from crashrig.reading.scenario_file import ScenarioError, freeze, load_scenario, parse_scenario

HANG = """
title     = "A hung agent is killed, its tree too, and it is started again"
promises  = ["HB-2", "STOP-1"]
needs     = ["heartbeat-file"]
timeout   = "5m"
pace      = 20

[policy]
heartbeat_timeout = "90s"
backoff = ["1s", "2s"]

[agents.worker]
count = 2
starts = [
  [{ beat = "30s", for = "2m" }, { spawn = "tree", depth = 4 }, { ignore = "SIGTERM" }, { hang = "sleep" }],
  [{ flaky = 0.5 }, { beat = "30s" }],
]

[[fault]]
when = "worker.start#2 + 40s"
kill = { target = "worker_1", signal = "SIGSEGV" }

[[fault]]
when = "fault#1 + 1s"
freeze = { target = "supervisor", for = "1.5s" }

[[expect]]
promise = "HB-2"
eventually = "worker_1.exit#1.signal == SIGKILL"
after = "worker_1.beat.last"
within = ["100s", "103s"]

[[expect]]
count = "worker.start"
max = 9
after = "fault#2.lifted"

[recover]
steady = "worker.live == 2"
within = "30s"
"""


def test_a_scenario_is_read_with_its_times_in_seconds() -> None:
    scenario = parse_scenario(HANG, "hang.toml")
    assert scenario.timeout == 300.0
    assert scenario.pace == 20
    assert scenario.policy.backoff == [Duration(1), Duration(2)]
    assert scenario.expect[0].within == Window(100, 103)
    assert scenario.fault[1].freeze is not None
    assert scenario.fault[1].freeze.for_ == 1.5


def test_what_was_frozen_is_read_back_equal() -> None:
    scenario = parse_scenario(HANG, "hang.toml")
    text = freeze(scenario)
    assert '"timeout": "300s"' in text
    assert parse_scenario(text, "hang.json", json=True) == scenario


def test_a_file_knows_its_id_text_and_digest(tmp_path: Path) -> None:
    path = tmp_path / "hang.toml"
    path.write_text(HANG)
    loaded = load_scenario(path)
    assert (loaded.id, loaded.path, loaded.text) == (str(path), path, HANG)
    assert loaded.digest == hashlib.sha256(HANG.encode()).hexdigest()
    assert load_scenario(path, "hang/one").id == "hang/one"


def test_the_suffix_decides_the_language(tmp_path: Path) -> None:
    path = tmp_path / "frozen.json"
    path.write_text(freeze(parse_scenario(HANG, "hang.toml")))
    assert load_scenario(path).scenario == parse_scenario(HANG, "hang.toml")


def test_a_missing_file(tmp_path: Path) -> None:
    assert _refusal(tmp_path / "no.toml") == f"{tmp_path}/no.toml: expected a scenario file, found nothing of that name"


def test_a_directory(tmp_path: Path) -> None:
    assert _refusal(tmp_path) == f"{tmp_path}: expected a scenario file, found a directory"


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    path = tmp_path / "binary.toml"
    path.write_bytes(b'title = "\xff"')
    assert _refusal(path) == f"{path}: expected UTF-8 text, found the byte 0xff at position 9"


def test_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "empty.toml"
    path.write_text("\n \n")
    assert _refusal(path) == f"{path}: expected a scenario, found an empty file"


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    expected = f"{tmp_path}/secret.toml: expected a file that can be read, found: Permission denied"
    assert _refusal(tmp_path / "secret.toml") == expected


def _refusal(path: Path) -> str:
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path)
    assert caught.value.lines == [str(caught.value)]
    return str(caught.value)


def test_problems_stand_in_the_order_of_the_file() -> None:
    text = HANG.replace('"5m"', "300").replace("worker.live == 2", "worker.life == 2").replace("HB-2", "HB-22")
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(text, "f")
    lines = [int(line.split(":")[1]) for line in caught.value.lines]
    assert lines == sorted(lines)
    assert len(lines) == 4


VALID = {
    "a capacity that is not used": ("count = 2", "count = 2\nlifetime = '1h'"),
    "an agent that is started in vain": ("[[fault]]", '[agents.gone]\nbroken = "missing"\n[[fault]]'),
    "an event that must not happen": ("max = 9", "max = 0"),
    "a policy of the agent's own": ("count = 2", 'count = 2\npolicy = { heartbeat_timeout = "9s", grace = "1s" }'),
    "a growing back-off": ('backoff = ["1s", "2s"]', 'backoff_initial = "1s"\nbackoff_max = "9s"'),
    "no waiting at all": ('["1s", "2s"]', '["0s"]'),
    "several agents as one target": ('target = "worker_1"', 'target = "worker", scope = "tree"'),
    "a time before an event": ("worker.start#2 + 40s", "worker.start#2 - 40s"),
    "a plain time": ("worker.start#2 + 40s", "299s"),
    "a window that is open at one end": ('after = "fault#2.lifted"', 'until = "fault#2.lifted"'),
    "a bound that is the whole run": ('["100s", "103s"]', '"5m"'),
    "events of all agents together": ("worker.live == 2", "total.live == 2 and supervisor.live == 1"),
    "a name that stands for two": ("worker_1.exit#1.signal", "worker.exit#1.signal"),
}


@pytest.mark.parametrize("case", VALID)
def test_what_is_unusual_is_not_wrong(case: str) -> None:
    old, new = VALID[case]
    assert old in HANG
    assert parse_scenario(HANG.replace(old, new, 1), case)


def test_a_sound_part_is_checked_beside_a_broken_one_without_new_complaints() -> None:
    text = HANG.replace('heartbeat_timeout = "90s"', "heartbeat_timeout = 90").replace("max = 9", "min = 9\nmax = 8")
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(text, "f")
    assert [line.split(": ")[1] for line in caught.value.lines] == ["$.policy.heartbeat_timeout", "$.expect[1].min"]
