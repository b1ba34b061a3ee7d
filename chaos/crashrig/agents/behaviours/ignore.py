"""From now on take no notice of a signal, except to report it."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crashrig.agents.body import Body
    from crashrig.agents.plan_file import Step

VERB = "ignore"
VALUE = "signal"
OPTIONS: dict[str, str] = {}
CHOICES: dict[str, tuple[str, ...]] = {}
ENDS = False


def act(me: "Body", step: "Step") -> None:
    """Say so to the kernel."""
    me.ignore(int(step.value))
