"""A driver for conversations with the core: short lines in, short lines out, so that a person can read them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from holdfast.agent import AgentView
from holdfast.effects import Alert, Effect, Finish, SignalTree, Spawn, StateChanged
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
from holdfast.fleet import Fleet
from holdfast.policy import AgentPolicy, Backoff, FleetPolicy, HeartbeatPolicy, Restart

if TYPE_CHECKING:
    from collections.abc import Iterator


def parse_policy(words: list[str]) -> AgentPolicy:
    """`backoff=1,2 max_restarts=3 heartbeat=90 startup=30 grace=10 after=db` and so on."""
    policy = AgentPolicy()
    for word in words:
        key, _, value = word.partition("=")
        match key:
            case "backoff":
                delays = tuple(float(part) for part in value.split(","))
                policy = replace(policy, backoff=replace(policy.backoff, delays=delays))
            case "exponential":
                first, factor, most = (float(part) for part in value.split(","))
                policy = replace(policy, backoff=Backoff((first,), factor, most))
            case "jitter":
                policy = replace(policy, backoff=replace(policy.backoff, jitter=float(value)))
            case "heartbeat":
                policy = replace(policy, heartbeat=HeartbeatPolicy(float(value), float(value)))
            case "startup":
                assert policy.heartbeat is not None
                policy = replace(policy, heartbeat=HeartbeatPolicy(policy.heartbeat.timeout, float(value)))
            case "restart":
                policy = replace(policy, restart=Restart(value))
            case "max_restarts" | "burst":
                policy = replace(policy, **{key: None if value == "none" else int(value)})
            case "after":
                policy = replace(policy, after=tuple(value.split(",")))
            case "restart_codes":
                policy = replace(policy, restart_codes=frozenset(int(part) for part in value.split(",")))
            case "grace" | "stable_after" | "window" | "running_after":
                policy = replace(policy, **{key: float(value)})
            case _:
                raise AssertionError(f"unknown policy word {word!r}")
    return policy


def show(effect: Effect) -> str:
    """An effect in one line."""
    match effect:
        case Spawn():
            return f"spawn {effect.agent}#{effect.generation}"
        case SignalTree():
            return f"signal {effect.agent}#{effect.generation} {effect.signal}"
        case StateChanged():
            return f"{effect.agent}#{effect.generation} {effect.old} -> {effect.new}: {effect.reason}"
        case Alert():
            return f"{effect.level} {effect.what}: {effect.text}"
        case Finish():
            return f"finish {effect.code}"


def show_view(view: AgentView) -> str:
    """What is said of an agent when somebody asks, in one line."""
    wanted = f", restart at {view.restart_at:g}" if view.restart_at is not None else ""
    beats = f", beats {view.beats} and {view.beats_rejected} rejected" if view.beats or view.beats_rejected else ""
    return (
        f"{view.name}#{view.generation} {view.state} since {view.since:g}: {view.reason or '-'};"
        f" pid {view.pid}, crashes {view.crashes}{wanted}{beats}"
    )


def parse_event(words: list[str]) -> Event | str:
    """`spawned worker#1 100`, `exited worker#1 code=1 left`, `stop worker`, `wait`, `shutdown urgent` …"""
    name, _, number = words[1].partition("#") if len(words) > 1 else ("", "", "")
    generation = int(number or 0)
    match words[0]:
        case "begin" | "wait" | "status":
            return words[0]
        case "spawned":
            return Spawned(name, generation, int(words[2]))
        case "failed":
            return SpawnFailed(name, generation, " ".join(words[2:]))
        case "exited":
            ending = dict(word.split("=") for word in words[2:] if "=" in word)
            code, signal = ending.get("code"), ending.get("signal")
            return Exited(
                name,
                generation,
                int(code) if code else None,
                int(signal) if signal else None,
                tree_empty="left" not in words,
            )
        case "emptied":
            return TreeEmptied(name, generation)
        case "beat":
            return BeatSeen(name, generation)
        case "rejected":
            return BeatRejected(name, generation, words[2])
        case "start":
            return StartRequested(name)
        case "stop":
            return StopRequested(name)
        case "restart":
            return RestartRequested(name)
        case "shutdown":
            return ShutdownRequested(urgent="urgent" in words)
        case "woke":
            return Woke(float(words[1]))
        case "deadline":
            return DeadlineReached()
    raise AssertionError(f"unknown event {words!r}")


def converse(script: str) -> str:
    """Play the `> ` lines of a transcript and return the whole transcript with the answers.

    `agent NAME key=value …` lines come first, `fleet key=value` may follow; then `> TIME event`. `> TIME wait`
    lets every deadline up to TIME come, each shown with its own time; `> TIME status` shows all agents.
    """
    agents: dict[str, AgentPolicy] = {}
    wanted = FleetPolicy()
    fleet: Fleet | None = None
    out: list[str] = []
    for line in script.splitlines():
        if line.startswith("agent "):
            _, name, *words = line.split()
            agents[name] = parse_policy(words)
            out.append(line)
        elif line.startswith("fleet "):
            for word in line.split()[1:]:
                key, _, value = word.partition("=")
                wanted = replace(wanted, **{key: float(value) if key == "start_spacing" else int(value)})
            out.append(line)
        elif line.startswith("> "):
            fleet = fleet or Fleet(agents, wanted)
            out.append(line)
            _, time, *words = line.split()
            out += [f"    {text}" for text in _answer(fleet, float(time), words)]
        elif not line.startswith("    "):
            out.append(line)
    return "\n".join(out) + "\n"


def _answer(fleet: Fleet, now: float, words: list[str]) -> Iterator[str]:
    event = parse_event(words)
    if event == "begin":
        yield from map(show, fleet.begin(now))
    elif event == "status":
        yield from map(show_view, fleet.view())
    elif event == "wait":
        while (deadline := fleet.deadline) is not None and deadline <= now:
            effects = fleet.handle(DeadlineReached(), deadline)
            yield from (f"{deadline:g}: {show(effect)}" for effect in effects)
            assert effects or fleet.deadline != deadline, "a deadline that does nothing would be waited for for ever"
    else:
        assert not isinstance(event, str)
        yield from map(show, fleet.handle(event, now))
