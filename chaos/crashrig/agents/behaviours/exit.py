"""End at once with an exit code."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crashrig.agents.body import Body
    from crashrig.agents.plan_file import Step

VERB = "exit"
VALUE = "code"
OPTIONS: dict[str, str] = {}
CHOICES: dict[str, tuple[str, ...]] = {}
ENDS = True


def act(me: "Body", step: "Step") -> None:
    """End."""
    me.exit(int(step.value))
