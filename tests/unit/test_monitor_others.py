"""sometimes, unchanged, recover."""

from __future__ import annotations

from judging import expect, history, judged, scenario

from crashrig.judging.checker import judge
from crashrig.judging.monitors import merge_sometimes
from crashrig.quantities import Duration
from crashrig.scenario import Fault, Freeze, Kill, Recover
from crashrig.verdict import Result, Verdict

STORY = "0 start worker g1 p10\n5 exit worker g1 p10 c1\n6 start worker g2 p20\n60 end settled"


def test_sometimes_cannot_fail_a_cell() -> None:
    assert judged(STORY, sometimes="worker.generation == 2").at == 6
    never = judged(STORY, sometimes="worker.generation == 3")
    assert never.verdict is Verdict.SKIPPED
    assert "not exercised" in never.message
    assert judged(STORY, sometimes="worker.live == 1", after="7s", until="8s").at == 7
    assert judged(STORY, sometimes="worker.live == 0", after="6s").verdict is Verdict.SKIPPED


def cell(condition: str) -> tuple[str, list[Result]]:
    return ("a/b", judge(scenario(expect(sometimes=condition), expect(always="worker.live <= 1")), history(STORY)))


def test_sometimes_is_merged_over_a_run() -> None:
    (merged,) = merge_sometimes([cell("worker.generation == 3"), cell("worker.generation == 2")])
    assert (merged.verdict, merged.message) == (Verdict.PASSED, "happened in 1 of 2 cells")
    (merged,) = merge_sometimes([cell("worker.generation == 3"), cell("worker.generation == 4")])
    assert (merged.verdict, merged.message) == (Verdict.SKIPPED, "NOT EXERCISED: never true in 2 cells")
    assert merged.text.startswith("a/b: sometimes ")


def test_unchanged() -> None:
    assert judged(STORY, unchanged="host").verdict is Verdict.PASSED
    left = judged(STORY, unchanged="host", survivors=["process 4711 sleep", "cgroup x"])
    assert left.verdict is Verdict.FAILED
    assert (left.observed, left.unit) == (2, "count")
    assert "left over: process 4711 sleep; cgroup x" in left.message


KILL = Fault(when="5s", kill=Kill(target="worker"))
FREEZE = Fault(when="5s", freeze=Freeze(target="worker", for_=Duration(5.0)))


def recovered(story: str, *faults: Fault) -> Result:
    wanted = Recover(steady="worker.live == 1", within=Duration(3.0), for_=Duration(10.0))
    return judge(scenario(expect(always="worker.live <= 1"), fault=list(faults), recover=wanted), history(story))[1]


def test_recover_counts_from_the_last_fault() -> None:
    story = STORY.replace("6 start", "5 fault 1 proven\n6 start")
    result = recovered(story, KILL)
    assert (result.verdict, result.at, result.margin) == (Verdict.PASSED, 6, 2)
    assert "after the last fault (t=5 s)" in result.message
    assert recovered(story.replace("6 start", "9 start"), KILL).verdict is Verdict.FAILED


def test_a_freeze_is_over_when_it_is_lifted() -> None:
    story = STORY.replace("6 start", "5 fault 1 proven\n11 start").replace("60 end", "10 fault 1 lifted\n60 end")
    assert recovered(story, FREEZE).verdict is Verdict.PASSED


def test_all_faults_must_be_over() -> None:
    story = STORY.replace("6 start", "5 fault 1 proven\n6 start").replace("60 end", "20 fault 2 proven\n60 end")
    result = recovered(story, KILL, KILL)
    assert (result.verdict, result.at) == (Verdict.PASSED, 20)
    assert recovered(story, KILL, KILL, KILL).verdict is Verdict.FAILED
