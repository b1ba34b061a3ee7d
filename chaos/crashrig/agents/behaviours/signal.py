"""End by a signal that the agent sends to itself."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crashrig.agents.body import Body, Program
    from crashrig.agents.plan_file import Step

VERB = "signal"
VALUE = "signal"
OPTIONS: dict[str, str] = {}
CHOICES: dict[str, tuple[str, ...]] = {}
ENDS = True


def act(me: "Body", step: "Step") -> "Program":
    """Die."""
    me.signal_self(int(step.value))
    yield 0.0  # where a signal that only stops the process does so
