"""Be quiet for a while: alive, and no beats. With `exact = true` the time is not divided by the pace."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crashrig.agents.body import Body, Program
    from crashrig.agents.plan_file import Step

VERB = "wait"
VALUE = "duration"
OPTIONS = {"exact": "flag"}
CHOICES: dict[str, tuple[str, ...]] = {}
ENDS = False


def act(me: "Body", step: "Step") -> "Program":
    """Rest once."""
    nominal = float(step.value)
    yield nominal if step.flag("exact") else me.scaled(nominal)
