"""Send a signal to the agent's whole process group, itself included."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crashrig.agents.body import Body, Program
    from crashrig.agents.plan_file import Step

VERB = "signal_group"
VALUE = "signal"
OPTIONS: dict[str, str] = {}
CHOICES: dict[str, tuple[str, ...]] = {}
ENDS = False


def act(me: "Body", step: "Step") -> "Program":
    """Send it once."""
    me.signal_group(int(step.value))
    yield 0.0  # where a signal that only stops the process does so
