"""Laws of the core: whatever happens, in whatever order, these hold (the rules at the top of agent.py)."""

from __future__ import annotations

from dataclasses import dataclass, field
from signal import SIGKILL, SIGTERM

from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.agent import FINAL
from holdfast.effects import Effect, Finish, SignalTree, Spawn, State, StateChanged
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

NAMES = ("a", "b", "c")


@dataclass
class Generation:
    """What the law-keeper knows of one agent's newest generation, from the effects alone."""

    number: int = 0
    pending: bool = False
    leader: bool = False
    others: bool = False
    asked_to_end_at: float | None = None
    termed: bool = False
    killed: bool = False
    wanted: bool = True
    starts: int = 0

    @property
    def empty(self) -> bool:
        return not (self.pending or self.leader or self.others)


@dataclass
class Keeper:
    """Drives a fleet with anything and checks the laws at every step."""

    policies: dict[str, AgentPolicy]
    fleet: Fleet = field(init=False)
    now: float = 0.0
    finished: int | None = None
    shutting_down: bool = False

    def __post_init__(self) -> None:
        self.fleet = Fleet(self.policies, FleetPolicy(start_burst=2, start_spacing=0.01))
        self.seen = {name: Generation() for name in self.policies}
        self.check(self.fleet.begin(self.now))

    def send(self, event: Event) -> None:
        self.check(self.fleet.handle(event, self.now))

    def pass_time(self, seconds: float) -> None:
        """Let time pass as a loop does: every deadline is met, none is skipped, and each gets somewhere."""
        until = self.now + seconds
        for _ in range(2000):
            deadline = self.fleet.deadline
            if deadline is None or deadline > until:
                break
            self.now = max(self.now, deadline)
            self.send(DeadlineReached())
            following = self.fleet.deadline
            assert following is None or following > self.now, "the deadline stands still"
        else:
            raise AssertionError("two thousand deadlines without an end")
        self.now = until

    def check(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Spawn():
                    self.check_spawn(effect)
                case SignalTree():
                    self.check_signal(effect)
                case StateChanged():
                    self.check_state(effect)
                case Finish():
                    assert self.finished is None, "finished twice"
                    assert all(generation.empty for generation in self.seen.values())
                    self.finished = effect.code
        for view in self.fleet.view():
            generation = self.seen[view.name]
            if view.state in FINAL:
                assert generation.empty, f"{view.name} is {view.state} and not empty"

    def check_spawn(self, effect: Spawn) -> None:
        generation = self.seen[effect.agent]
        assert generation.empty, "two generations at once"
        assert generation.wanted, "a start after a stop"
        assert effect.generation == generation.number + 1
        assert self.finished is None, "a start after the end"
        self.seen[effect.agent] = Generation(effect.generation, pending=True, starts=generation.starts + 1)

    def check_signal(self, effect: SignalTree) -> None:
        generation = self.seen[effect.agent]
        assert effect.generation == generation.number, "a signal to a dead generation"
        assert generation.leader or generation.others, "a signal to nobody"
        if effect.signal == SIGKILL:
            generation.killed = True
        else:
            assert effect.signal == SIGTERM
            generation.termed = True
        if generation.asked_to_end_at is None:
            generation.asked_to_end_at = self.now

    def check_state(self, effect: StateChanged) -> None:
        assert effect.old is not effect.new
        if effect.new in FINAL:
            assert self.seen[effect.agent].empty

    def check_escalation(self) -> None:
        """Whatever was asked to end and still lives after its grace has been sent SIGKILL (rule 3)."""
        for name, generation in self.seen.items():
            if generation.empty or generation.asked_to_end_at is None or generation.pending:
                continue
            if self.now > generation.asked_to_end_at + self.policies[name].grace:
                assert generation.killed, f"{name}: asked to end at {generation.asked_to_end_at}, now {self.now}"

    # The world's side ----------------------------------------------------------------------------------------

    def act(self, action: str, name: str) -> None:
        generation = self.seen[name]
        number = generation.number
        match action:
            case "spawned" if generation.pending:
                generation.pending, generation.leader = False, True
                self.send(Spawned(name, number, 100 + number))
            case "spawn fails" if generation.pending:
                generation.pending = False
                self.send(SpawnFailed(name, number, "no such file"))
            case "crash" | "crash leaving" | "clean" | "fatal" | "die" if generation.leader:
                generation.leader = False
                generation.others = action == "crash leaving"
                code = {"clean": 0, "fatal": 100, "die": None}.get(action, 1)
                signal = 9 if action == "die" else None
                self.send(Exited(name, number, code, signal, tree_empty=not generation.others))
            case "emptied" if generation.others:
                generation.others = False
                self.send(TreeEmptied(name, number))
            case "beat":
                self.send(BeatSeen(name, number))
            case "old news":
                self.send(Exited(name, number - 1, 1, None, tree_empty=True))
                self.send(BeatRejected(name, number - 1, "frozen"))
            case "start" | "restart":
                generation.wanted = generation.wanted or not self.shutting_down
                self.send(StartRequested(name) if action == "start" else RestartRequested(name))
            case "stop":
                generation.wanted = False
                self.send(StopRequested(name))
            case "shutdown" | "urgent":
                self.shutting_down = True
                self.send(ShutdownRequested(urgent=action == "urgent"))
            case "woke":
                self.send(Woke(5.0))


ACTIONS = (
    ["spawned"] * 4
    + ["crash", "crash leaving", "clean", "die", "spawn fails", "emptied", "emptied", "beat", "old news"]
    + ["start", "restart", "stop", "fatal", "woke"]
)
durations = st.sampled_from([0.0, 0.001, 0.5, 1.0, 3.0, 11.0, 40.0])
steps = st.lists(st.tuples(st.sampled_from(ACTIONS), st.sampled_from(NAMES), durations), max_size=60)
policies = st.builds(
    AgentPolicy,
    restart=st.sampled_from(list(Restart)),
    backoff=st.sampled_from([Backoff(), Backoff((0.0,)), Backoff((0.5,), 2.0, 4.0, 0.3)]),
    stable_after=st.sampled_from([2.0, 300.0]),
    max_restarts=st.sampled_from([None, 0, 2, 6]),
    burst=st.sampled_from([None, 1, 5]),
    window=st.just(60.0),
    grace=st.sampled_from([0.0, 1.0, 10.0]),
    running_after=st.sampled_from([0.0, 1.0]),
    heartbeat=st.sampled_from([None, HeartbeatPolicy(5.0, 8.0), HeartbeatPolicy(90.0, 90.0)]),
)


@settings(max_examples=300, deadline=None)
@given(st.tuples(policies, policies, policies), steps, st.sampled_from(["shutdown", "urgent"]))
def test_the_rules_hold_whatever_happens(
    wanted: tuple[AgentPolicy, ...], steps: list[tuple[str, str, float]], end: str
) -> None:
    keeper = Keeper(dict(zip(NAMES, wanted, strict=True)))
    for action, name, seconds in steps:
        keeper.act(action, name)
        keeper.pass_time(seconds)
        keeper.check_escalation()
    keeper.act(end, "a")
    starts = {name: generation.starts for name, generation in keeper.seen.items()}
    for _ in range(6):
        for name in NAMES:
            keeper.act("spawned", name)
            keeper.pass_time(30.0)
            keeper.check_escalation()
            if keeper.seen[name].killed or keeper.seen[name].termed:
                keeper.act("die", name)
            keeper.act("emptied", name)
    assert keeper.finished is not None, "a shutdown always ends"
    assert keeper.finished == 0 or not keeper.shutting_down or keeper.finished == 100
    assert starts == {name: generation.starts for name, generation in keeper.seen.items()}, "stop means stop"
    assert keeper.fleet.deadline is None


@settings(max_examples=100, deadline=None)
@given(
    st.integers(0, 8),
    st.lists(st.sampled_from(["crash", "die", "spawn fails", "crash leaving"]), min_size=12, max_size=12),
    st.sampled_from([Backoff(), Backoff((0.0,)), Backoff((0.1,), 2.0, 4.0, 0.5)]),
)
def test_give_up_is_reached_after_exactly_the_allowed_restarts(limit: int, ends: list[str], backoff: Backoff) -> None:
    keeper = Keeper({"a": AgentPolicy(max_restarts=limit, backoff=backoff, burst=None)})
    for end in ends:
        if end != "spawn fails":
            keeper.act("spawned", "a")
        keeper.act(end, "a")
        keeper.act("emptied", "a")
        keeper.pass_time(20.0)
    assert keeper.seen["a"].starts == limit + 1
    assert keeper.finished == 100


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.floats(0.0, 5.0, allow_nan=False), min_size=1, max_size=5),
    st.floats(0.0, 1.0, allow_nan=False),
    st.integers(0, 1000),
)
def test_a_start_never_comes_before_its_delay(delays: list[float], jitter: float, seed: int) -> None:
    policy = AgentPolicy(backoff=Backoff(tuple(delays), jitter=jitter), max_restarts=None, burst=None)
    fleet = Fleet({"a": policy}, FleetPolicy(seed=seed))
    now = 0.0
    effects = fleet.begin(now)
    for crashes in range(1, 9):
        assert Spawn("a", crashes) in effects
        fleet.handle(Spawned("a", crashes, 100), now)
        now += 0.25
        effects = fleet.handle(Exited("a", crashes, 1, None, tree_empty=True), now)
        least = delays[min(crashes, len(delays)) - 1]
        while Spawn("a", crashes + 1) not in effects:
            deadline = fleet.deadline
            assert deadline is not None
            assert now <= deadline <= now + max(least * (1 + jitter), 1.0) + 0.01
            came = deadline
            effects = fleet.handle(DeadlineReached(), came)
            if Spawn("a", crashes + 1) in effects:
                assert came >= now + least
                now = came
    assert {view.state for view in fleet.view()} == {State.STARTING}


@given(st.lists(st.sampled_from(["beat", "silence"]), min_size=1, max_size=30))
def test_a_hang_is_found_exactly_at_the_timeout(pattern: list[str]) -> None:
    policy = AgentPolicy(heartbeat=HeartbeatPolicy(10.0, 10.0))
    fleet = Fleet({"a": policy}, FleetPolicy())
    fleet.begin(0.0)
    fleet.handle(Spawned("a", 1, 100), 0.0)
    fleet.handle(DeadlineReached(), 1.0)
    now, last = 1.0, 0.0
    for step in pattern:
        now += 4.0
        if now >= last + 10.0:
            break
        if step == "beat":
            fleet.handle(BeatSeen("a", 1), now)
            last = now
    assert fleet.deadline == last + 10.0
    effects = fleet.handle(DeadlineReached(), last + 10.0)
    assert SignalTree("a", 1, int(SIGTERM)) in effects
