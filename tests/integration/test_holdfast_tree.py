"""A generation's whole tree is gone before the next starts and before `stopped` is said (RST-11, STOP-2)."""

from __future__ import annotations

import os
import resource
import signal
import time
from pathlib import Path

import pytest
from running import Running, exists, restarting, shell, until

from holdfast import brand, cgroups
from holdfast.events import Exited, TreeEmptied
from holdfast.policy import AgentPolicy
from holdfast.settings import Containment

pytestmark = pytest.mark.real

LEFT_BEHIND = {
    "child in the same group that ignores TERM": "sh -c 'trap \"\" TERM; echo $$ > left; exec sleep 30' &",
    "child in a session of its own": "setsid sh -c 'echo $$ > left; exec sleep 30' &",
    "double-forked daemon": "(setsid sh -c 'echo $$ > left; exec sleep 30' &)",
    "daemon with an empty environment": "(setsid env -i sh -c 'echo $$ > left; exec sleep 30' &)",
    "daemon that ignores TERM": "(setsid sh -c 'trap \"\" TERM; echo $$ > left; exec sleep 30' &)",
}
CONTAINMENTS = [Containment.WALK, Containment.AUTO]


@pytest.mark.parametrize("containment", CONTAINMENTS)
@pytest.mark.parametrize("start", LEFT_BEHIND.values(), ids=LEFT_BEHIND.keys())
def test_what_a_dead_leader_left_is_gone_before_the_next_start(
    tmp_path: Path, start: str, containment: Containment
) -> None:
    script = f"""
        if [ -s left ]; then kill -0 $(cat left) 2>/dev/null && echo alive > seen || echo gone > seen; exec sleep 30; fi
        {start}
        until [ -s left ]; do sleep 0.01; done
        exit 1
    """
    with Running(tmp_path, shell("worker", script, tmp_path, policy=restarting()), containment=containment):
        until((tmp_path / "seen").exists, "the second generation has looked")
        until((tmp_path / "seen").read_text, "it has said what it saw")
        assert (tmp_path / "seen").read_text() == "gone\n"


@pytest.mark.parametrize("containment", CONTAINMENTS)
def test_children_born_while_the_agent_is_being_stopped_go_with_it(tmp_path: Path, containment: Containment) -> None:
    script = """
        trap 'trap "" TERM; sh born; exit 143' TERM
        echo ready > ready
        while :; do sleep 0.1; done
    """
    born = f"{LEFT_BEHIND['double-forked daemon']}\nuntil [ -s left ]; do sleep 0.01; done\n"
    (tmp_path / "born").write_text(born)
    agent = shell("worker", script, tmp_path, policy=AgentPolicy(grace=2.0))
    with Running(tmp_path, agent, containment=containment) as holdfast:
        until((tmp_path / "ready").exists, "the agent is ready")
        assert holdfast.stop() == 0
    assert not exists(int((tmp_path / "left").read_text()))


def test_the_exit_is_told_at_once_and_the_empty_tree_when_it_is_empty(tmp_path: Path) -> None:
    """What is left has until the replacement is due; the crash itself is known before."""
    script = "sh -c 'trap \"\" TERM; echo $$ > left; exec sleep 30' & until [ -s left ]; do sleep 0.01; done; exit 1"
    agent = shell("worker", script, tmp_path, policy=restarting(0.5, max_restarts=0, grace=0.3))
    with Running(tmp_path, agent) as holdfast:
        assert holdfast.wait() == 100
        (exited,) = holdfast.events(Exited)
        assert exited == Exited("worker", 1, 1, None, tree_empty=False)
        assert holdfast.events(TreeEmptied) == [TreeEmptied("worker", 1)]
    assert not exists(int((tmp_path / "left").read_text()))


def test_a_stopped_agent_hears_the_term(tmp_path: Path) -> None:
    """SIGCONT follows SIGTERM (STOP-1)."""
    script = "trap 'echo heard > heard; exit 0' TERM; echo ready > ready; while :; do sleep 0.05; done"
    with Running(tmp_path, shell("worker", script, tmp_path)) as holdfast:
        until((tmp_path / "ready").exists, "the agent is ready")
        os.kill(holdfast.until_pid("worker"), signal.SIGSTOP)
        assert holdfast.stop() == 0
    assert (tmp_path / "heard").exists()


def test_an_agent_that_ignores_term_is_killed_after_the_grace(tmp_path: Path) -> None:
    script = "trap '' TERM; echo ready > ready; exec sleep 30"
    agent = shell("worker", script, tmp_path, policy=AgentPolicy(grace=0.3))
    with Running(tmp_path, agent) as holdfast:
        until((tmp_path / "ready").exists, "the agent is ready")
        began = time.monotonic()
        assert holdfast.stop() == 0
        assert time.monotonic() - began >= 0.3
        assert holdfast.events(Exited) == [Exited("worker", 1, None, signal.SIGKILL, tree_empty=True)]


def test_a_deep_and_wide_tree_goes_as_a_whole(tmp_path: Path) -> None:
    script = """
        level() { [ $1 -gt 0 ] && { level $(($1 - 1)) & level $(($1 - 1)) & }; sh -c 'echo $PPID' >> pids; sleep 30; }
        level 5
    """
    with Running(tmp_path, shell("worker", script, tmp_path), containment=Containment.WALK) as holdfast:
        pids = tmp_path / "pids"
        until(lambda: pids.exists() and len(pids.read_text().split()) == 63, "the tree is complete")
        assert holdfast.stop() == 0
    assert not [pid for pid in pids.read_text().split() if exists(int(pid))]


def test_an_orphan_that_nobody_owns_is_reported_holds_nobody_up_and_goes_in_the_end(tmp_path: Path) -> None:
    """Two agents, no cgroup, no marks, a session of its own, and its number taken off: it could be either's."""
    leaving = f"""
        if [ -s left ]; then echo > second; exec sleep 30; fi
        {LEFT_BEHIND["daemon with an empty environment"].replace("setsid", "prlimit --locks=unlimited: setsid")}
        until [ -s left ]; do sleep 0.01; done
        exit 1
    """
    agents = (  # the other is started first, or it could be told to be too young
        shell("other", "exec sleep 30", tmp_path, policy=AgentPolicy(grace=1.0)),
        shell("leaver", leaving, tmp_path, policy=restarting(0.3)),
    )
    with Running(tmp_path, *agents, containment=Containment.WALK) as holdfast:
        until((tmp_path / "second").exists, "the agent is started again")
        left = int((tmp_path / "left").read_text())
        assert exists(left)
        assert f"process {left} was left behind" in holdfast.errors.read_text()
        assert holdfast.stop() == 0
        assert not exists(left)


def test_an_orphan_with_marks_is_told_apart_from_another_agents(tmp_path: Path) -> None:
    leaving = f"{LEFT_BEHIND['double-forked daemon']}\nuntil [ -s left ]; do sleep 0.01; done; exit 1"
    agents = (
        shell("leaver", leaving, tmp_path, policy=restarting(max_restarts=0, grace=1.0)),
        shell("other", "exec sleep 30", tmp_path),
    )
    with Running(tmp_path, *agents, containment=Containment.WALK) as holdfast:
        holdfast.until_state("leaver", "fatal")
        assert not exists(int((tmp_path / "left").read_text()))
        assert holdfast.view("other")["state"] in ("starting", "running")
        assert "left behind" not in holdfast.errors.read_text()


@pytest.mark.parametrize("containment", CONTAINMENTS)
def test_a_daemon_without_any_mark_is_told_apart_from_other_agents(tmp_path: Path, containment: Containment) -> None:
    """The number that it carries tells, from its first moment on, and nothing starts before it is gone (RST-11)."""
    script = f"""
        if [ -s left ]; then kill -0 $(cat left) 2>/dev/null && echo alive > seen || echo gone > seen; exec sleep 30; fi
        {LEFT_BEHIND["daemon with an empty environment"]}
        until [ -s left ]; do sleep 0.001; done
        exit 1
    """
    agents = (
        shell("other", "exec sleep 30", tmp_path, policy=AgentPolicy(grace=1.0)),
        shell("leaver", script, tmp_path, policy=restarting(0.0)),
    )
    with Running(tmp_path, *agents, containment=containment) as holdfast:
        until((tmp_path / "seen").exists, "the second generation has looked")
        assert until((tmp_path / "seen").read_text, "it has said what it saw") == "gone\n"
        assert "left behind" not in holdfast.errors.read_text()
        assert holdfast.view("other")["state"] in ("starting", "running")


def test_the_number_is_each_generations_own_and_not_the_supervisors(tmp_path: Path) -> None:
    agents = [shell(name, "exec sleep 30", tmp_path) for name in ("one", "two")]
    with Running(tmp_path, *agents) as holdfast:
        pids = [holdfast.until_pid("one"), holdfast.until_pid("two")]
        own = resource.getrlimit(brand.RLIMIT_LOCKS)
        assert resource.prlimit(holdfast.pid, brand.RLIMIT_LOCKS) == own
        assert len({brand.brand_of(pid) for pid in (*pids, holdfast.pid)}) == 3
        assert {resource.prlimit(pid, brand.RLIMIT_LOCKS)[1] for pid in pids} == {own[1]}


def test_a_child_from_before_is_none_of_its_business(tmp_path: Path) -> None:
    prefix = f"sleep 20 & echo $! > {tmp_path}/stranger"
    agent = shell("worker", "exit 1", tmp_path, policy=restarting(max_restarts=2))
    with Running(tmp_path, agent, prefix=prefix) as holdfast:
        assert holdfast.wait() == 100
        stranger = int((tmp_path / "stranger").read_text())
        assert exists(stranger)
        os.kill(stranger, signal.SIGKILL)


def test_zombies_of_orphans_are_reaped(tmp_path: Path) -> None:
    script = "(setsid sh -c 'echo $$ > left; exit 7' &); until [ -s left ]; do sleep 0.01; done; exec sleep 30"
    with Running(tmp_path, shell("worker", script, tmp_path)):
        until((tmp_path / "left").exists, "the daemon has been")
        left = until(lambda: (tmp_path / "left").read_text().strip(), "it has said its number")
        until(lambda: not Path(f"/proc/{left}").exists(), "it is reaped")


@pytest.mark.parametrize("kind", ["v2", "freezer"])
def test_a_whole_group_dies_in_one_stroke(kind: str, tmp_path: Path) -> None:
    """Each kind of cgroup by itself, with the very processes that a walk would not find: nobody's orphans."""
    wanted = cgroups._Unified if kind == "v2" else cgroups._Freezer
    parents = [parent for found, parent in cgroups._candidates() if found is wanted]
    if not parents or not os.access(parents[0], os.W_OK):
        pytest.skip(f"no writable {wanted.kind} here")
    groups = cgroups._prepared(wanted, parents[0])
    try:
        pids = [os.posix_spawn("/bin/sleep", ["sleep", "30"], {}) for _ in range(20)]
        for pid in pids:
            groups.join("worker", pid)
        assert groups.agent_of(pids[0]) == "worker"
        assert groups.agent_of(os.getpid()) is None
        groups.kill("worker")
        assert {os.waitpid(pid, 0)[1] for pid in pids} == {signal.SIGKILL}
    finally:
        groups.close()
    assert not Path(groups.base).exists()


def test_the_group_is_joined_and_removed(tmp_path: Path) -> None:
    groups = cgroups.find(Containment.AUTO)
    groups.close()
    if not groups.base:
        pytest.skip("no cgroup can be made here")
    parent = Path(groups.base).parent
    script = "sleep 30 & echo ready > ready; wait"
    with Running(tmp_path, shell("worker", script, tmp_path)) as holdfast:
        procs = parent / f"holdfast.{holdfast.pid}" / "0-worker" / "cgroup.procs"
        until(lambda: procs.exists() and len(procs.read_text().split()) == 2, "agent and child are in the group")
        assert holdfast.stop() == 0
        assert not procs.parent.parent.exists()
