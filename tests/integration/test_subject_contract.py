"""What docs/subjects.md asks of every adapter, asked of every adapter, the worked example of that page included."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import live_subject
import pytest

from crashrig.quantities import Duration
from crashrig.subjects import registry
from crashrig.subjects.protocol import CAPABILITIES, Job, Subject, SubjectError

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.real

ALL = [*registry.names(), live_subject.DOCUMENTED]
STARTED = [name for name in ALL if name != "simulated"]
WORDS = {"stopped", "starting", "running", "backoff", "stopping", "exited", "fatal", "waiting"}
RESTARTED = 'echo "$NAME" >> starts; test "$(grep -c "$NAME" starts)" -ge 2 && exec sleep 60; sleep 0.3; exit 1'


@pytest.fixture(autouse=True)
def callers_peers(monkeypatch: pytest.MonkeyPatch) -> None:
    live_subject.use_peers(monkeypatch)


@pytest.fixture
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Subject]:
    subject = live_subject.open_any(request.param, tmp_path)
    yield subject
    subject.close()


@pytest.fixture
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A job's directory, with a path short enough for a socket in it."""
    return tmp_path_factory.mktemp("job")


def full_job(directory: Path) -> Job:
    """A job that uses a bit of everything."""
    return live_subject.make_job(
        str(directory), "true", agents=2, heartbeat_timeout=Duration(90), burst=5, window=Duration(600), jitter=0.1
    )


def files(directory: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


@pytest.mark.parametrize("subject", ALL, indirect=True)
def test_describe_says_what_can_be_used(subject: Subject) -> None:
    description = subject.describe()
    assert description == subject.describe()
    assert description.name
    assert description.version
    assert description.max_pace >= 1.0
    assert set(description.capabilities) <= set(CAPABILITIES)


@pytest.mark.parametrize("subject", STARTED, indirect=True)
def test_render_writes_the_same_below_the_directory_only(subject: Subject, tmp_path: Path, directory: Path) -> None:
    before = files(tmp_path)
    first = subject.render(full_job(directory))
    written = files(directory)
    assert subject.render(full_job(directory)) == first
    assert files(directory) == written != {}
    assert files(tmp_path) == before
    assert shutil.which(first.argv[0])
    assert first.directory == str(directory)


@pytest.mark.parametrize("name", ["backoff", "backoff_initial"])
@pytest.mark.parametrize("subject", STARTED, indirect=True)
def test_render_takes_both_kinds_of_backoff(subject: Subject, directory: Path, name: str) -> None:
    delays = [Duration(1)] if name == "backoff" else Duration(1)
    assert subject.render(live_subject.make_job(str(directory), "true", **{name: delays})).argv


@pytest.mark.parametrize("subject", STARTED, indirect=True)
def test_a_supervisor_that_is_not_up_claims_nothing_and_does_nothing(subject: Subject, directory: Path) -> None:
    subject.render(full_job(directory))
    assert subject.claims() == {}
    for command, agent in (("stop", "worker_1"), ("shutdown", ""), ("explode", "worker_1")):
        with pytest.raises(SubjectError):
            subject.operate(command, agent)


@pytest.mark.parametrize("subject", ALL, indirect=True)
def test_close_may_be_called_at_any_time(subject: Subject) -> None:
    subject.close()
    subject.close()


@pytest.mark.parametrize("name", STARTED)
def test_a_crash_is_followed_by_a_start_and_sigterm_by_nothing(name: str) -> None:
    with live_subject.running(name, RESTARTED, agents=2) as live:
        assert live.until(lambda: len(live.lines()) >= 4), (live.directory / "log").read_text()
        assert sorted(live.lines()) == ["worker_1", "worker_1", "worker_2", "worker_2"]
        assert set(live.subject.claims().values()) <= WORDS
        live.stop()
        assert live.until(lambda: not live.living(), seconds=1.0), live.living()


@pytest.mark.parametrize("name", [name for name in STARTED if name != live_subject.DOCUMENTED])
def test_what_claims_are_made_name_every_agent(name: str) -> None:
    with live_subject.running(name, "exec sleep 60", agents=2) as live:
        claimed = "claims" in live.subject.describe().capabilities
        expected = {"worker_1": "running", "worker_2": "running"} if claimed else {}
        assert live.until(lambda: dict(live.subject.claims()) == expected), live.subject.claims()


@pytest.mark.parametrize("name", ["holdfast", "supervisord"])
def test_operators_commands(name: str) -> None:
    with live_subject.running(name, "echo $$ >> starts; exec sleep 60") as live:
        assert live.until(lambda: live.subject.claims() == {"worker_1": "running"})
        live.subject.operate("restart", "worker_1")
        assert live.until(lambda: len(live.lines()) == 2)
        live.subject.operate("stop", "worker_1")
        assert live.until(lambda: live.subject.claims() == {"worker_1": "stopped"})
        live.subject.operate("stop", "worker_1")
        live.subject.operate("start", "worker_1")
        assert live.until(lambda: live.subject.claims() == {"worker_1": "running"})
        live.subject.operate("start", "worker_1")
        with pytest.raises(SubjectError, match="worker_9"):
            live.subject.operate("stop", "worker_9")
        live.subject.operate("shutdown", "")
        assert live.exit_code() == 0
        assert len(live.lines()) == 3


@pytest.mark.parametrize("name", [name for name in STARTED if name != live_subject.DOCUMENTED])
def test_shutdown_is_for_every_supervisor(name: str) -> None:
    with live_subject.running(name, "echo once >> starts; exec sleep 60") as live:
        assert live.until(live.lines)
        live.subject.operate("shutdown", "")
        assert live.exit_code() == 0


@pytest.mark.parametrize("name", ["holdfast", "supervisord"])
def test_a_second_supervisor_in_the_same_place_is_refused(name: str) -> None:
    with live_subject.running(name, "echo once >> starts; exec sleep 60") as live:
        assert live.until(lambda: live.subject.claims() == {"worker_1": "running"})
        assert live.start_again().wait(10) != 0
        assert live.subject.claims() == {"worker_1": "running"}
        assert live.lines("starts") == ["once"]
