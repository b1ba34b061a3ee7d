"""What one fake agent is to do, as a small text file that is read without importing anything.

One `key value` a line; `start` begins the behaviour of the next start (the last one repeats), `step` adds to
it: `step beat 30 for=120 kind=good`. Durations are nominal seconds, signals are numbers. `plan` writes such
files, `run` reads them.
"""


class Step:
    """One step of a behaviour: a verb, its value, and options by name."""

    __slots__ = ("options", "value", "verb")

    def __init__(self, verb: str, value: str, options: dict[str, str]) -> None:
        self.verb = verb
        self.value = value
        self.options = options

    def seconds(self, option: str) -> float | None:
        """A duration among the options, in nominal seconds; None when it is not there."""
        return float(self.options[option]) if option in self.options else None

    def count(self, option: str, default: int) -> int:
        """A whole number among the options."""
        return int(self.options.get(option, default))

    def word(self, option: str, default: str) -> str:
        """A word among the options."""
        return self.options.get(option, default)

    def flag(self, option: str) -> bool:
        """Whether an option is set to true."""
        return self.options.get(option) == "true"

    def __str__(self) -> str:
        words = ["step", self.verb, self.value]
        return " ".join(words + [f"{name}={value}" for name, value in self.options.items()])


class Plan:
    """Everything a fake agent knows. `reports` is the FIFO, `starts` a directory in which it counts its starts.

    `lifetime` and `cpu` are real seconds, `memory` and `disk` bytes: no process of the agent passes them.
    """

    agent: str = ""
    pace: float = 1.0
    seed: int = 0
    reports: str = ""
    starts: str = ""
    source: str = "file"
    format: str = "json"
    file: str = ""
    lifetime: float = 60.0
    cpu: int = 20
    memory: int = 256 << 20
    disk: int = 64 << 20

    def __init__(self) -> None:
        self.behaviours: list[list[Step]] = []

    def behaviour(self, generation: int) -> list[Step]:
        """The steps of a start, counted from 1; the last behaviour repeats."""
        if not self.behaviours:
            return []
        return self.behaviours[min(generation, len(self.behaviours)) - 1]


_KINDS = {"pace": float, "seed": int, "lifetime": float, "cpu": int, "memory": int, "disk": int}
_TEXTS = ("agent", "reports", "starts", "source", "format", "file")


def dump(plan: Plan) -> str:
    """The text of a plan; ValueError for a value that does not fit on a line."""
    lines = [f"{key} {getattr(plan, key)}" for key in (*_TEXTS, *_KINDS)]
    for behaviour in plan.behaviours:
        lines += ["start", *map(str, behaviour)]
    if any("\n" in line for line in lines):
        raise ValueError(f"a plan cannot hold a line break: {plan.agent!r} {plan.reports!r}")
    return "\n".join(lines) + "\n"


def parse(text: str) -> Plan:
    """The plan that `dump` wrote."""
    plan = Plan()
    for line in text.splitlines():
        key, _, value = line.partition(" ")
        if key == "start":
            plan.behaviours.append([])
        elif key == "step":
            verb, first, *options = value.split(" ")
            plan.behaviours[-1].append(Step(verb, first, dict(option.split("=", 1) for option in options)))
        else:
            setattr(plan, key, _KINDS.get(key, str)(value))
    return plan
