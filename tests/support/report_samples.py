"""Made-up runs for the tests of the reports: many scenarios, four subjects, histories, every verdict, foul text.

Nothing here is measured. The shapes are those of real runs; a given seed gives the same run, byte for byte.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from crashrig.history import Footer, Header, History, Observation, write_history
from crashrig.results import CellKey, CellResult, Host, Run, SubjectRecord
from crashrig.verdict import Result, Verdict, merge

if TYPE_CHECKING:
    from pathlib import Path

SUBJECTS = ("simulated", "holdfast", "supervisord", "leaves-trees")
PACE = 10.0
HOSTILE = '</script><script>alert(1)</script>\x1b[2J\x00 \u202e"&<b> | `x` %0A::error::'

SCENARIOS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "restart/crash_by_code": ("crash", "An agent that exits with 1 is started again", ("RST-1", "RST-4")),
    "restart/crash_by_signal": ("crash", "An agent that dies of SIGSEGV is started again", ("RST-1",)),
    "restart/crash_after_ten_seconds": ("crash", "A crash after 10 s is restarted after 1 s", ("RST-1",)),
    "restart/clean_exit": ("clean", "An agent that exits 0 is left alone", ("RST-2",)),
    "restart/exit_143_is_clean": ("clean", "Exit 143 is a clean end", ("RST-2",)),
    "restart/fatal_code": ("fatal", "Exit 100 is final", ("RST-3",)),
    "restart/always": ("crash", "Under always a clean end is restarted too", ("RST-2",)),
    "restart/killed_from_outside": ("killed", "An agent killed by somebody else is started again", ("RST-1",)),
    "restart/missing_command": ("spawn", "A command that does not exist is a crash with a name", ("RST-8",)),
    "restart/operator_restart": ("operator", "An operator's restart is no crash", ("RST-9",)),
    "backoff/list": ("backoff", "The delays of the list are kept, the last one repeats", ("RST-4",)),
    "backoff/exponential": ("backoff", "The delay doubles up to its maximum", ("RST-4",)),
    "backoff/zero": ("backoff", "A delay of nothing is allowed", ("RST-4",)),
    "backoff/never_early": ("backoff", "No start comes before its delay", ("RST-4",)),
    "backoff/jitter_spreads": ("backoff", "Twenty agents that crash at once do not start at once", ("RST-10",)),
    "backoff/sibling_isolation": ("backoff", "One agent's storm delays nobody else", ("RST-10",)),
    "backoff/stable_run_resets": ("backoff", "A run of five minutes clears the crash count", ("RST-5",)),
    "giveup/after_six": ("giveup", "After six restarts the next crash is final", ("RST-6",)),
    "giveup/instant_death": ("giveup", "An agent that lives 20 ms is never called running", ("RST-12", "RST-6")),
    "giveup/slow_crash_loop": ("giveup", "A crash every six minutes is found out too", ("RST-7",)),
    "giveup/hangs_count": ("hang", "A hang counts like a crash", ("RST-5", "HB-2")),
    "giveup/zero_restarts": ("giveup", "No restarts allowed: the first crash is final", ("RST-6",)),
    "giveup/start_clears": ("operator", "An operator's start clears the count", ("RST-9",)),
    "hang/no_beat": ("hang", "A hung agent is killed, its tree too, and it is started again", ("HB-2", "STOP-1")),
    "hang/first_beat_never": ("hang", "An agent that never beats is killed after the start-up grace", ("HB-3",)),
    "hang/beat_stands_still": ("hang", "A beat whose time stands still is no beat", ("HB-4",)),
    "hang/beat_from_the_future": ("steady", "A clock that is an hour ahead kills nobody", ("HB-4",)),
    "hang/truncated_beat": ("hang", "A truncated beat is no beat", ("HB-4",)),
    "hang/foreign_beat": ("hang", "A beat of another process is no beat", ("HB-1",)),
    "hang/frozen_supervisor": ("frozen", "A supervisor that was frozen kills nobody on waking", ("HB-6",)),
    "hang/notify": ("hang", "WATCHDOG=1 that stops is a hang", ("HB-1", "HB-2")),
    "hang/output": ("hang", "Output that stops is a hang", ("HB-1", "HB-2")),
    "stop/terminates": ("stop", "SIGTERM, grace, SIGKILL", ("STOP-1",)),
    "stop/ignores_term": ("stop", "An agent that ignores SIGTERM is killed after the grace", ("STOP-1",)),
    "stop/stopped_agent": ("stop", "A stopped agent is killed all the same", ("STOP-1",)),
    "stop/slow_term": ("stop", "An agent that needs 8 s to end gets them", ("STOP-1",)),
    "stop/during_backoff": ("stop", "A stop while waiting starts nothing", ("STOP-4",)),
    "tree/crash_leaves_nothing": ("tree", "A crash leaves nothing of the old run behind", ("RST-11",)),
    "tree/own_session": ("tree", "A child in its own session goes with its agent", ("RST-11", "STOP-2")),
    "tree/double_fork": ("tree", "A double-forked daemon goes with its agent", ("RST-11", "STOP-2")),
    "tree/deaf_child": ("tree", "A child that ignores SIGTERM goes with its agent", ("STOP-2",)),
    "tree/born_on_term": ("tree", "Children born during the kill are killed too", ("STOP-2",)),
    "tree/holds_stdout": ("tree", "A grandchild that holds stdout does not stop the restart", ("RST-11",)),
    "state/honest_after_giving_up": ("giveup", "After giving up the state says so", ("RST-6",)),
    "state/second_supervisor": ("steady", "A second supervisor is refused", ("PRE-2",)),
}
UNSUPPORTED = {"hang": "heartbeat-file", "frozen": "heartbeat-file", "fatal": "fatal-codes", "backoff": "backoff"}


class Story(NamedTuple):
    """What happened in one made-up cell, in nominal seconds; orphans is how many a dead run left."""

    observations: list[Observation]
    orphans: int
    end: float


def sample_run(directory: Path, *, scenarios: int = len(SCENARIOS), hostile: bool = True) -> Run:
    """A run in `directory` with a history for every cell that ran; the hostile one is the last scenario's."""
    run = Run(
        id="20261121T005700Z-3f9c",
        version="0.1.0",
        argv=["crashrig", "run", "--subject", "holdfast", "--subject", "supervisord"],
        started="2026-11-21T00:57:00+00:00",
        seconds=83.4,
        verdict=Verdict.FAILED,
        exit_code=1,
        host=Host(
            kernel="Linux 6.18.0",
            machine="x86_64",
            python="3.11.7",
            processors=2,
            memory=8 * 2**30,
            user="root",
            containment="cgroup v2, subreaper",
            observation="kernel process events",
        ),
        subjects=[
            SubjectRecord(name="simulated", version="0.1.0", capabilities=["backoff", "heartbeat-file"]),
            SubjectRecord(name="holdfast", version="0.1.0", capabilities=["backoff", "heartbeat-file"]),
            SubjectRecord(name="supervisord", version="4.3.0", remarks="configured with killasgroup and stopasgroup"),
            SubjectRecord(name="leaves-trees", version="0.1.0", remarks="faulty on purpose: signals the child only"),
            SubjectRecord(name="runit", unavailable="runsvdir is not installed: apt install runit"),
        ],
        warnings=["no write access to the cgroup: limits are held by polling"],
    )
    for subject in SUBJECTS:
        for scenario in list(SCENARIOS)[:scenarios]:
            run.cells.append(_cell(directory, scenario, subject))
    if hostile:
        _make_hostile(run, directory)
    run.verdict = merge(cell.verdict for cell in run.cells)
    return run


def _cell(directory: Path, scenario: str, subject: str) -> CellResult:
    kind, title, promises = SCENARIOS[scenario]
    random = Random(f"{scenario} {subject}")
    cell = CellResult(
        key=CellKey(scenario=scenario, subject=subject),
        verdict=Verdict.PASSED,
        title=title,
        level="should" if scenario == "backoff/jitter_spreads" else "must",
        promises=list(promises),
        pace=1.0 if subject == "simulated" else PACE,
        noise=0.0 if subject == "simulated" else random.uniform(0.001, 0.02),
        reproduce=f"crashrig reproduce reports/latest '{scenario}[{subject}]'",
    )
    if subject == "supervisord" and kind in UNSUPPORTED:
        cell.verdict, cell.reason = Verdict.UNSUPPORTED, f"supervisord has no {UNSUPPORTED[kind]}"
        return cell
    story = tell(kind, random, leaks=subject in ("supervisord", "leaves-trees"), quick="instant" in scenario)
    cell.results = _results(kind, story, random, promises[0], supervisord=subject == "supervisord")
    cell.verdict = merge(result.verdict for result in cell.results)
    cell.seconds = 0.01 if subject == "simulated" else story.end / cell.pace
    cell.directory = f"{subject}/{scenario}"
    if scenario == "backoff/never_early" and subject == "leaves-trees":
        cell.verdict, cell.reason = Verdict.INCONCLUSIVE, "the machine was 430 ms late, the bound allows 150 ms"
    write_sample_history(directory, cell, story)
    return cell


def write_sample_history(directory: Path, cell: CellResult, story: Story) -> None:
    """Write the story as the history of a cell, in real seconds."""
    folder = directory / cell.directory
    folder.mkdir(parents=True, exist_ok=True)
    header = Header(
        scenario=cell.key.scenario,
        subject=cell.key.subject,
        pace=cell.pace,
        observer="virtual clock" if cell.key.subject == "simulated" else "kernel process events",
        resolution=0.0 if cell.key.subject == "simulated" else 0.0005,
        simulated=cell.key.subject == "simulated",
        started="2026-11-21T00:57:02+00:00",
    )
    seen = sorted(story.observations, key=lambda observation: observation.t)
    footer = Footer(end="settled", observations=len(seen))
    write_history(folder / "history.jsonl", History(header=header, observations=_paced(seen, cell.pace), footer=footer))
    (folder / "supervisor.log").write_text("started\n")


def _paced(seen: list[Observation], pace: float) -> list[Observation]:
    return [replace(observation, t=round(observation.t / pace, 6)) for observation in seen]


def tell(kind: str, random: Random, *, leaks: bool = False, quick: bool = False) -> Story:
    """Make up what happens in a cell of a kind, in nominal seconds."""
    seen = [Observation(t=0.02, what="subject.start", pid=900, source="rig")]
    delays = {"backoff": [1.0, 2.0, 4.0, 8.0, 16.0], "giveup": [1.0] * 6, "tree": [1.0] * 4}.get(kind, [1.0])
    if kind in ("clean", "fatal", "steady", "stop", "frozen"):
        delays = []
    t, orphans = 0.1, 0
    for generation in range(1, len(delays) + 2):
        life = 0.02 if quick else random.uniform(8, 12) if kind != "hang" else 160.0
        t, left = _generation(seen, kind, generation, t, life, leaks=leaks, last=generation > len(delays))
        orphans += left
        t += (delays[generation - 1] + random.uniform(0.002, 0.06)) if generation <= len(delays) else 0.0
    if kind in ("frozen", "killed"):
        _fault(seen, kind, t)
    seen.append(Observation(t=t + 0.3, what="noise", value=0.004, source="rig"))
    seen.append(Observation(t=t + 0.5, what="subject.exit", pid=900, code=0, source="rig"))
    seen.append(Observation(t=t + 0.6, what="end", text="settled", source="rig"))
    return Story(seen, orphans, t + 0.6)


def _generation(
    seen: list[Observation], kind: str, number: int, t: float, life: float, *, leaks: bool, last: bool
) -> tuple[float, int]:
    pid = 1000 + 10 * number
    who = {"agent": "worker", "generation": number}
    seen.append(Observation(t=t, what="start", pid=pid, source="kernel", **who))
    children = 2 if kind == "tree" else 0
    seen += [
        Observation(t=t + 0.4 * child, what="birth", pid=pid + child, parent=pid, source="kernel", **who)
        for child in range(1, children + 1)
    ]
    beat = t + 0.05
    while beat < t + min(life, 70.0) and life > 1.0:
        good = "good" if kind != "hang" or beat < t + 50 else "truncated"
        seen.append(Observation(t=beat, what="beat", text=good, source="agent", **who))
        beat += 30.0 if kind == "hang" else 1.5
    end = t + life
    if kind in ("stop", "hang"):
        seen.append(
            Observation(t=end - 10.0 if kind == "hang" else end - 2, what="received", signal=15, source="agent", **who)
        )
    code, signal = (None, 9) if kind in ("hang", "stop") else ({"clean": 0, "fatal": 100}.get(kind, 1), None)
    seen.append(Observation(t=end, what="exit", pid=pid, code=code, signal=signal, source="kernel", **who))
    survivors = 1 if leaks and children and not last else 0
    seen += [
        Observation(t=end + 0.02 * child, what="death", pid=pid + child, source="kernel", **who)
        for child in range(1, children + 1 - survivors)
    ]
    return end, survivors


def _fault(seen: list[Observation], kind: str, t: float) -> None:
    text = "1 freeze" if kind == "frozen" else "1 kill"
    at = t * 0.3
    seen.append(Observation(t=at, what="fault", agent="supervisor", text=text, phase="injected", source="rig"))
    seen.append(Observation(t=at + 0.02, what="fault", agent="supervisor", text=text, phase="proven", source="rig"))
    if kind == "frozen":
        seen.append(Observation(t=t * 0.6, what="fault", agent="supervisor", text=text, phase="lifted", source="rig"))


def _results(kind: str, story: Story, random: Random, promise: str, *, supervisord: bool) -> list[Result]:
    delay = 1.0 + random.uniform(0.002, 0.06)
    results = [
        Result(
            expectation=0,
            operator="always",
            text="always worker.live <= 1",
            verdict=Verdict.PASSED,
            message=f"expected always worker.live <= 1; held until t={story.end:.1f} s",
            bound="no breach",
            resolution=0.005,
            window=(0.0, story.end),
        ),
        Result(
            expectation=1,
            operator="gaps",
            text='gaps worker.exit -> worker.start are ["1s"]',
            verdict=Verdict.PASSED,
            message=f"expected 1 s, at most 1.1 s; longest {delay:.3f} s",
            promise=promise,
            observed=delay,
            bound="1 s..1.1 s",
            margin=1.1 - delay,
            resolution=0.005,
            window=(0.0, story.end),
            at=story.end * 0.5,
        ),
    ]
    if kind == "tree":
        results.append(_orphans(story, promise))
    if kind == "giveup" and supervisord:
        results.append(_too_many_starts(story))
    return results


def _orphans(story: Story, promise: str) -> Result:
    text = "never worker.orphans > 0, after worker.exit, grace 500 ms"
    expected = "never worker.orphans > 0 after worker.exit, or for no longer than 500 ms"
    if not story.orphans:
        return Result(
            expectation=2,
            operator="never",
            text=text,
            verdict=Verdict.PASSED,
            message=f"expected {expected}; held until t={story.end:.1f} s, longest breach 40 ms",
            promise=promise,
            observed=0.04,
            bound="<= 500 ms",
            margin=0.46,
            resolution=0.005,
            window=(story.end * 0.2, story.end),
        )
    start = story.end * 0.2
    evidence = f"worker.orphans = {story.orphans}; alive: worker generation 1: pids 1012 (its first process is dead)"
    return Result(
        expectation=2,
        operator="never",
        text=text,
        verdict=Verdict.FAILED,
        message=f"Required: {promise} nothing of a dead run is left\nExpected: {expected}\n"
        f"Observed: from t={start:.1f} s for {story.end - start:.1f} s: {evidence}; 4 such breaches",
        promise=promise,
        observed=story.end - start,
        bound="<= 500 ms",
        margin=0.5 - (story.end - start),
        resolution=0.005,
        window=(start, story.end),
        at=start,
    )


def _too_many_starts(story: Story) -> Result:
    return Result(
        expectation=3,
        operator="count",
        text="count worker.start, max 7",
        verdict=Verdict.FAILED,
        message="Required: RST-6 six restarts, no more\nExpected: <= 7 of worker.start\n"
        "Observed: seen 21, the one too many at t=33 s",
        promise="RST-6",
        observed=21,
        bound="<= 7",
        margin=-14,
        unit="count",
        window=(0.0, story.end),
        at=story.end * 0.8,
    )


def _make_hostile(run: Run, directory: Path) -> None:
    """Foul text everywhere, a history cut off, one missing, leftovers, and a cell of the rig's own failure."""
    cells = {(cell.key.scenario, cell.key.subject): cell for cell in run.cells}
    last = list(SCENARIOS)[-1]
    foul = cells[last, "leaves-trees"]
    foul.verdict, foul.reason, foul.title = Verdict.ERROR, HOSTILE, f"A second supervisor is refused {HOSTILE}"
    foul.leftovers, foul.warnings, foul.reproduce = [f"process 4711 {HOSTILE}"], [HOSTILE], f"crashrig '{HOSTILE}'"
    torn = cells["stop/slow_term", "leaves-trees"]
    torn.verdict, torn.reason = Verdict.ERROR, "the cell was killed after 60 s"
    path = directory / torn.directory / "history.jsonl"
    path.write_bytes(path.read_bytes()[:-60])
    gone = cells["stop/stopped_agent", "leaves-trees"]
    (directory / gone.directory / "history.jsonl").unlink()
    known = cells["stop/during_backoff", "leaves-trees"]
    known.verdict, known.reason = Verdict.XFAILED, "signals the child only; kept to prove the judge"
    skipped = cells["restart/missing_command", "leaves-trees"]
    skipped.verdict, skipped.reason, skipped.results = Verdict.SKIPPED, "needs another user, and this is not root", []
