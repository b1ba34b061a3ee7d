"""End by a signal that the agent sends to itself."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crashrig.agents.body import Body
    from crashrig.agents.plan_file import Step

VERB = "signal"
VALUE = "signal"
OPTIONS: dict[str, str] = {}
CHOICES: dict[str, tuple[str, ...]] = {}
ENDS = True


def act(me: "Body", step: "Step") -> None:
    """Die."""
    me.signal_self(int(step.value))
