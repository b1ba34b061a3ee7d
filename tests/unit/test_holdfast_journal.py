"""The journal: what is written is what is read, whatever the disk does (OBS-1)."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from holdfast import journal, journal_format, journal_reader
from holdfast.effects import Alert, Effect, Finish, Level, SignalTree, Spawn, State, StateChanged
from holdfast.events import (
    BeatRejected,
    BeatSeen,
    DeadlineReached,
    Event,
    Exited,
    RestartRequested,
    ShutdownRequested,
    Spawned,
    SpawnFailed,
    StartRequested,
    StopRequested,
    TreeEmptied,
    Woke,
)
from holdfast.policy import AgentPolicy, Backoff, FleetPolicy
from holdfast.records import decode_effect, decode_event, encode
from holdfast.settings import AgentSettings, Settings

EVENTS: list[Event] = [
    StartRequested("a"),
    StopRequested("a"),
    RestartRequested("a"),
    ShutdownRequested(urgent=True),
    Spawned("a", 1, 2),
    SpawnFailed("a", 1, "no such file: \udc80 ü"),
    Exited("a", 1, None, 9, tree_empty=False),
    TreeEmptied("a", 1),
    BeatSeen("a", 1),
    BeatRejected("a", 1, "empty"),
    Woke(0.1 + 0.2),
    DeadlineReached(),
]
EFFECTS: list[Effect] = [
    Spawn("a", 1),
    SignalTree("a", 1, 15),
    StateChanged("a", 1, State.STARTING, State.RUNNING, "alive"),
    Alert(Level.CRITICAL, "a", "gave_up", "text"),
    Finish(100),
]
SETTINGS = Settings(
    (AgentSettings("a", ("x",), environment={"K": "secret"}, policy=AgentPolicy(backoff=Backoff((0.1,)))),),
    "/state",
    FleetPolicy(seed=7),
)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_every_event_comes_back(event: Event) -> None:
    assert decode_event(json.loads(json.dumps(encode(event)))) == event


@pytest.mark.parametrize("effect", EFFECTS, ids=lambda effect: type(effect).__name__)
def test_every_effect_comes_back(effect: Effect) -> None:
    found = decode_effect(json.loads(json.dumps(encode(effect))))
    assert found == effect
    assert type(found) is type(effect)


@pytest.mark.parametrize("fields", [{}, {"type": "Spawnt"}, {"type": "dataclass"}, {"type": "Spawned", "agent": "a"}])
def test_what_is_no_event_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        decode_event(fields)


class Written:
    """A journal in a temporary directory, and what it said."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "journal.jsonl"
        self.said: list[str] = []
        self.journal = self.open()

    def open(self) -> journal.Journal:
        return journal.Journal(str(self.path), SETTINGS, self.said.append)

    def runs(self) -> list[journal_reader.Run]:
        return journal_reader.read(str(self.path))


@pytest.fixture
def written(tmp_path: Path) -> Written:
    return Written(tmp_path)


def test_a_run_comes_back(written: Written) -> None:
    written.journal.decided(1.5, None, [EFFECTS[0]])
    written.journal.decided(0.1 + 0.2, EVENTS[4], EFFECTS)
    written.journal.note("ready", agent="a", generation=1)
    written.journal.close()
    (run,) = written.runs()
    assert run.settings.fleet.seed == 7
    assert run.settings.agents[0].policy == SETTINGS.agents[0].policy
    assert run.settings.agents[0].environment == {}
    assert run.entries == [
        journal_format.Entry(1.5, None, [EFFECTS[0]]),
        journal_format.Entry(0.1 + 0.2, EVENTS[4], EFFECTS),
    ]
    assert run.notes[0]["note"] == "ready"
    assert (written.path.stat().st_mode & 0o777) == 0o600


def test_nothing_is_written_before_the_flush(written: Written) -> None:
    before = written.path.read_bytes()
    written.journal.decided(1.0, EVENTS[0], [])
    assert written.path.read_bytes() == before
    written.journal.flush()
    assert written.path.read_bytes() != before


def test_a_torn_line_is_left_out_and_the_next_run_begins_a_new_one(written: Written) -> None:
    written.journal.decided(1.0, EVENTS[0], [])
    written.journal.flush()
    with written.path.open("ab") as file:
        file.write(b'{"wall":1.0,"now":2.0,"eve')
    assert len(written.runs()[0].entries) == 1
    second = written.open()
    second.decided(3.0, EVENTS[0], [])
    second.close()
    assert [len(run.entries) for run in written.runs()] == [1, 1]


def test_a_line_that_is_broken_in_the_middle_is_named(written: Written) -> None:
    with written.path.open("ab") as file:
        file.write(b"garbage\n")
    written.journal.decided(1.0, EVENTS[0], [])
    written.journal.close()
    with pytest.raises(journal_reader.JournalError, match=r"journal\.jsonl:2: not JSON"):
        written.runs()


def test_a_long_text_is_cut_and_the_line_stays_whole(written: Written) -> None:
    written.journal.decided(1.0, SpawnFailed("a", 1, "x" * 1_000_000), [])
    written.journal.close()
    line = written.path.read_bytes().splitlines()[-1]
    assert len(line) < journal_format.LINE_BYTES_MAX
    (entry,) = written.runs()[0].entries
    assert isinstance(entry.event, SpawnFailed)
    assert entry.event.message.endswith("x [cut]")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EROFS])
def test_a_disk_that_fails_is_said_once_and_the_gap_is_told(
    written: Written, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    times = iter(range(1000))
    monkeypatch.setattr(journal.clock, "now", lambda: float(next(times)))

    def failing(descriptor: int, data: bytes) -> int:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as broken:
        broken.setattr(os, "write", failing)
        for _ in range(5):
            written.journal.decided(1.0, EVENTS[0], [])
            written.journal.flush()
    written.journal.decided(2.0, EVENTS[0], [])
    written.journal.close()
    assert len(written.said) == 1
    assert os.strerror(number) in written.said[0]
    (run,) = written.runs()
    assert [note["lines"] for note in run.notes] == [5]
    assert [entry.now for entry in run.entries] == [2.0]


def test_half_a_line_is_taken_back(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    with monkeypatch.context() as full:
        full.setattr(os, "write", lambda descriptor, data: real(descriptor, data[:10]))
        written.journal.decided(1.0, EVENTS[0], [])
        written.journal.flush()
    assert written.path.read_bytes().endswith(b"}\n")
    written.journal.close()
    assert len(written.said) == 1


def test_a_directory_that_cannot_be_written_is_no_reason_to_stop(tmp_path: Path) -> None:
    said: list[str] = []
    lost = journal.Journal(str(tmp_path / "missing" / "journal.jsonl"), SETTINGS, said.append)
    lost.decided(1.0, EVENTS[0], [])
    lost.close()
    assert len(said) == 1


class TestRotation:
    """The journal is bounded, and what is still there reads as if it had never been parted."""

    @pytest.fixture(autouse=True)
    def small_parts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(journal, "PART_BYTES_MAX", 4096)

    def beats(self, path: Path, count: int) -> None:
        written = journal.Journal(str(path), SETTINGS, pytest.fail)
        for number in range(count):
            written.decided(float(number), BeatSeen("a", 1), [])
            written.flush()
        written.close()

    def test_a_run_in_several_parts_is_one_run(self, tmp_path: Path) -> None:
        path = tmp_path / "journal.jsonl"
        self.beats(path, 60)
        assert 1 < len(list(tmp_path.iterdir())) <= journal_format.PARTS_KEPT
        (run,) = journal_reader.read(str(path))
        assert [entry.now for entry in run.entries] == [float(number) for number in range(60)]
        assert not run.notes

    def test_it_never_holds_more_than_it_may_and_says_what_is_gone(self, tmp_path: Path) -> None:
        path = tmp_path / "journal.jsonl"
        self.beats(path, 1000)
        sizes = [part.stat().st_size for part in tmp_path.iterdir()]
        assert len(sizes) == journal_format.PARTS_KEPT
        assert max(sizes) <= journal.PART_BYTES_MAX
        (run,) = journal_reader.read(str(path))
        assert run.entries[-1].now == 999.0
        times = [entry.now for entry in run.entries]
        assert times == [float(number) for number in range(int(times[0]), 1000)]
        assert run.notes[0]["note"] == "lost"
        assert run.settings.agents[0].name == "a"

    def test_a_later_run_is_told_apart(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = tmp_path / "journal.jsonl"
        self.beats(path, 30)
        monkeypatch.setattr(os, "getpid", lambda: 4711)
        self.beats(path, 5)
        assert [len(run.entries) for run in journal_reader.read(str(path))] == [30, 5]

    def test_a_directory_that_forbids_renaming_loses_lines_and_no_more(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object) -> None:
            raise PermissionError(errno.EACCES, "Permission denied")

        said: list[str] = []
        path = tmp_path / "journal.jsonl"
        written = journal.Journal(str(path), SETTINGS, said.append)
        monkeypatch.setattr(os, "rename", refuse)
        for number in range(60):
            written.decided(float(number), BeatSeen("a", 1), [])
            written.flush()
        written.close()
        assert "Permission denied" in said[0]
        assert path.stat().st_size <= journal.PART_BYTES_MAX


def test_a_journal_that_could_not_be_begun_is_begun_late(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    path = tmp_path / "late" / "journal.jsonl"
    written = journal.Journal(str(path), SETTINGS, said.append)
    written.decided(1.0, BeatSeen("a", 1), [])
    written.flush()
    assert said
    path.parent.mkdir()
    monkeypatch.setattr(journal.clock, "now", lambda: 1e9)
    written.decided(2.0, BeatSeen("a", 1), [])
    written.close()
    (run,) = journal_reader.read(str(path))
    assert [entry.now for entry in run.entries] == [2.0]
    assert [note["note"] for note in run.notes] == ["lost"]
