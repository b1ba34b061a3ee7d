"""The checker: which results a history gives, live and stored, and what a cell's verdict is."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from judging import expect, header, history, observation, scenario

from crashrig.history import Footer, History, Observation
from crashrig.judging.checker import RIG, LiveJudge, judge, verdict_of
from crashrig.judging.monitors.always_never import AlwaysNever
from crashrig.quantities import Duration
from crashrig.scenario import Agent, ExpectedFailure, Fault, Freeze, Kill
from crashrig.verdict import Result, Verdict

if TYPE_CHECKING:
    from crashrig.scenario import Scenario

STORY = """
    0 start worker g1 p10
    5 exit worker g1 p10 c1
    6 start worker g2 p20
    20 end settled
    21 exit worker g2 p20 SIGTERM
"""


def verdicts(one: Scenario, story: str = STORY, **keys: object) -> list[Verdict]:
    return [result.verdict for result in judge(one, history(story, **keys))]  # type: ignore[arg-type]


def test_what_comes_after_the_end_does_not_count() -> None:
    (result,) = judge(scenario(expect(count="worker.exit", max=1)), history(STORY))
    assert (result.verdict, result.window) == (Verdict.PASSED, (0, 20))


def test_observations_are_sorted_before_they_are_judged() -> None:
    lines = STORY.splitlines()
    shuffled = "\n".join([lines[0], lines[3], lines[2], lines[1], *lines[4:]])
    assert verdicts(scenario(expect(always="worker.live <= 1")), shuffled) == [Verdict.PASSED]


def test_a_history_without_footer_is_an_error() -> None:
    cut = History(header=header(), observations=[observation("0 start worker p10")])
    (result,) = judge(scenario(expect(always="worker.live <= 1")), cut)
    assert (result.expectation, result.operator, result.verdict) == (RIG, "history", Verdict.ERROR)


def test_a_scenario_that_expects_nothing_is_an_error() -> None:
    assert verdicts(scenario()) == [Verdict.ERROR]
    assert verdict_of([], scenario(), "s")[0] is Verdict.ERROR


def test_an_interrupted_run_decides_nothing() -> None:
    results = judge(scenario(expect(always="worker.live <= 1")), history("0 start worker p1\n1 end interrupted"))
    assert verdict_of(results, scenario(), "s") == (Verdict.INCONCLUSIVE, "the run was interrupted")


def test_a_checker_that_cannot_be_made_is_an_error() -> None:
    one = scenario(expect(always="worker.lve <= 1"), expect(always="worker.live <= 1"))
    first, second = judge(one, history(STORY))
    assert first.verdict is Verdict.ERROR
    assert "ConditionError" in first.message
    assert second.verdict is Verdict.PASSED


@pytest.mark.parametrize("method", ["observe", "advance", "find"])
def test_a_checker_that_raises_is_an_error(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: AlwaysNever, _: object) -> None:
        raise ZeroDivisionError("surprise")

    monkeypatch.setattr(AlwaysNever, method, broken)
    one = scenario(expect(always="worker.live == 0", after="3s"), expect(count="worker.exit", max=1))
    first, second = judge(one, history(STORY))
    assert first.verdict is Verdict.ERROR
    assert "ZeroDivisionError: surprise" in first.message
    assert second.verdict is Verdict.PASSED


def test_a_checker_that_stands_still_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def stuck(self: AlwaysNever, t: float) -> None:
        self.next_time = t

    monkeypatch.setattr(AlwaysNever, "advance", stuck)
    (result,) = judge(scenario(expect(always="worker.live == 0", after="3s")), history(STORY))
    assert result.verdict is Verdict.ERROR
    assert "does not move on" in result.message


LOST = STORY.replace("20 end", "{t} lost overflow\n20 end")


@pytest.mark.parametrize(
    ("keys", "t", "verdict"),
    [
        ({"never": "worker.orphans > 0", "after": "worker.exit"}, 10, Verdict.INCONCLUSIVE),
        ({"eventually": "worker.tree == 0"}, 10, Verdict.PASSED),
        ({"eventually": "worker.exit#1 and worker.tree == 0"}, 2, Verdict.INCONCLUSIVE),
        ({"always": "worker.live <= 1"}, 10, Verdict.PASSED),
        ({"count": "worker.birth", "max": 3}, 10, Verdict.INCONCLUSIVE),
        ({"count": "worker.birth", "min": 3}, 10, Verdict.INCONCLUSIVE),
    ],
)
def test_what_was_lost_makes_judgements_of_trees_inconclusive(keys: dict[str, str], t: int, verdict: Verdict) -> None:
    assert verdicts(scenario(expect(**keys)), LOST.format(t=t)) == [verdict]


KILL = Fault(when="3s", kill=Kill(target="worker"))
FREEZE = Fault(when="3s", freeze=Freeze(target="worker", for_=Duration(2.0)))


def with_fault(lines: str, *, fault: Fault = KILL) -> list[Result]:
    one = scenario(
        expect(eventually="worker.exit#2", within=2, after="worker.start#2"),
        expect(never="worker.live > 0", after="worker.start#2"),
        expect(always="worker.live <= 1"),
        fault=[fault],
    )
    return judge(one, history(lines + STORY))


def test_a_fault_that_was_proven_leaves_no_trace() -> None:
    results = with_fault("3 fault 1 injected\n3 fault 1 proven\n")
    assert [result.verdict for result in results] == [Verdict.FAILED, Verdict.FAILED, Verdict.PASSED]


def test_an_unproven_fault_excuses_what_did_not_come_but_not_what_was_seen() -> None:
    results = with_fault("3 fault 1 injected\n3 fault 1 unproven\n")
    expected = [Verdict.INCONCLUSIVE, Verdict.FAILED, Verdict.PASSED, Verdict.INCONCLUSIVE]
    assert [result.verdict for result in results] == expected
    assert results[0].message.startswith("fault#1 (kill) could not be proven, so this cannot be told\nRequired:")
    assert results[-1].operator == "fault"


def test_a_fault_that_never_came_is_inconclusive_but_excuses_nothing() -> None:
    results = with_fault("")
    assert [result.verdict for result in results][-1] is Verdict.INCONCLUSIVE
    assert results[-1].message == "fault#1 (kill) was never injected: 3s never came"
    assert results[0].verdict is Verdict.FAILED


def test_a_freeze_must_be_lifted() -> None:
    assert with_fault("3 fault 1 proven\n", fault=FREEZE)[-1].message == "fault#1 (freeze) was never lifted"
    assert len(with_fault("3 fault 1 proven\n5 fault 1 lifted\n", fault=FREEZE)) == 3


def result(verdict: Verdict, operator: str = "always", message: str = "m") -> Result:
    return Result(expectation=0, operator=operator, text=f"{operator} x", verdict=verdict, message=message)


def test_the_worst_result_decides() -> None:
    one = scenario(expect(always="worker.live <= 1"))
    mixed = [
        result(Verdict.PASSED),
        result(Verdict.FAILED, message="Required: a\nObserved: b"),
        result(Verdict.SKIPPED),
    ]
    assert verdict_of(mixed, one, "s") == (Verdict.FAILED, "always x: b")
    assert verdict_of([result(Verdict.PASSED)], one, "s") == (Verdict.PASSED, "")


def test_sometimes_does_not_decide_unless_it_is_alone() -> None:
    one, never = scenario(), result(Verdict.SKIPPED, "sometimes")
    assert verdict_of([result(Verdict.PASSED), never], one, "s")[0] is Verdict.PASSED
    assert verdict_of([never], one, "s")[0] is Verdict.SKIPPED


def test_announced_failures() -> None:
    one = scenario(xfail=[ExpectedFailure(subject="s", reason="no such thing")])
    assert verdict_of([result(Verdict.FAILED)], one, "s") == (Verdict.XFAILED, "no such thing")
    assert verdict_of([result(Verdict.FAILED)], one, "other")[0] is Verdict.FAILED
    unexpected, reason = verdict_of([result(Verdict.PASSED)], one, "s")
    assert unexpected is Verdict.FAILED
    assert "announced to fail: no such thing" in reason
    assert verdict_of([result(Verdict.ERROR)], one, "s")[0] is Verdict.ERROR
    assert verdict_of([result(Verdict.INCONCLUSIVE)], one, "s")[0] is Verdict.INCONCLUSIVE


def live(one: Scenario, story: str = STORY, **keys: object) -> LiveJudge:
    judge_ = LiveJudge(one, header(**keys))  # type: ignore[arg-type]
    for line in story.splitlines():
        if line.strip():
            judge_.observe(observation(line))
    return judge_


def test_live_says_when_all_is_settled() -> None:
    one = scenario(expect(eventually="worker.starts == 2"), expect(always="worker.live <= 1"))
    watching = LiveJudge(one, header())
    watching.observe(observation("0 start worker g1 p10"))
    watching.advance(1)
    assert not watching.settled
    assert watching.undecided == ["eventually worker.starts == 2"]
    watching.observe(observation("5 exit worker g1 p10 c1"))
    watching.observe(observation("6 start worker g2 p20"))
    assert not watching.settled
    watching.advance(6)
    assert watching.settled
    assert [one.verdict for one in watching.finish(7)] == [Verdict.PASSED, Verdict.PASSED]


def test_live_waits_for_a_breach_to_be_judged_and_for_the_faults() -> None:
    one = scenario(
        expect(eventually="worker.exits == 1"), expect(never="worker.live == 0", after="0s", grace=2), fault=[KILL]
    )
    watching = LiveJudge(one, header())
    for line in ("0 start worker g1 p10", "3 fault 1 proven", "5 exit worker g1 p10 c1"):
        watching.observe(observation(line))
    watching.advance(5.5)
    assert watching.undecided == ["never worker.live == 0, after 0s, grace 2 s"]
    assert watching.next_time == pytest.approx(7.0, abs=1e-3)
    watching.advance(7.1)
    assert watching.settled


def test_live_is_never_settled_when_nothing_ever_waits() -> None:
    watching = live(scenario(expect(always="worker.live <= 1"), expect(count="worker.start", max=9)))
    watching.advance(30)
    assert not watching.settled
    assert watching.next_time is None


def test_live_holds_back_and_sorts_what_comes_out_of_order() -> None:
    one = scenario(expect(always="worker.live <= 1"))
    watching = LiveJudge(one, header(simulated=False), reorder=0.5)
    for line in ("0 start worker g1 p10", "5.2 start worker g2 p20", "5.1 exit worker g1 p10 c1"):
        watching.observe(observation(line))
        watching.advance(observation(line).t)
    watching.advance(9)
    assert watching.late == 0
    assert watching.finish(10)[0].verdict is Verdict.PASSED
    watching.observe(observation("3 exit worker g1 p10 c1"))
    assert watching.late == 1


def test_live_times_are_real_times() -> None:
    one = scenario(expect(eventually="worker.live == 0", after="worker.start", within=40))
    watching = LiveJudge(one, header(pace=20.0, simulated=False), reorder=0.05)
    watching.observe(observation("20 start worker p10", pace=20.0))
    assert watching.next_time == pytest.approx(1.05)
    watching.advance(1.1)
    assert watching.next_time == pytest.approx(1 + 2 + 0.15 + 0.05)


def test_a_stored_history_of_100000_observations_is_judged_quickly() -> None:
    one = scenario(
        expect(always="worker.live <= 1"),
        expect(never="worker.stale > 0"),
        expect(never="worker.orphans > 0", after="worker.exit", grace=1),
        expect(always="total.tree < 9"),
        expect(eventually="worker.beats > 90000"),
        expect(stays="worker.live == 1", after="worker.start#last", lasting=99999),
        expect(count="worker.beat", min=1000),
        expect(gaps="worker.exit -> worker.start", are=[1]),
        expect(eventually="worker.exits == 1", after="worker.beat#last", within=9),
        expect(always="worker.generation <= worker.starts"),
        agents={"worker": Agent()},
    )
    what = ("start", "beat", "beat", "beat", "birth", "beat", "beat", "death", "exit", "beat")
    observations = [
        Observation(
            t=n, what=what[n % 10], agent="worker", generation=n // 10, pid=n // 10 + (n % 10 in (4, 7)), text="good"
        )  # type: ignore[arg-type]
        for n in range(100_000)
    ]
    long = History(header=header(), observations=observations, footer=Footer(end="settled", observations=100_000))
    began = time.process_time()
    results = judge(one, long)
    assert len(results) == 10
    assert time.process_time() - began < 10.0  # measured: about 1 s; the bound only catches a wrong order of growth


@pytest.mark.parametrize(("lines", "end"), [("", 30.0), ("20 end settled", 20.0)])
def test_a_run_lasts_until_its_end_or_until_it_is_finished(lines: str, end: float) -> None:
    live = LiveJudge(scenario(expect(always="worker.live <= 1")), header())
    for line in f"0 start worker g1 p10\n{lines}".splitlines():
        live.observe(observation(line))
    (result,) = live.finish(30.0)
    assert (result.verdict, result.window) == (Verdict.PASSED, (0, end))
