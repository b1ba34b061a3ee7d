"""Live on without a sign of life: asleep, in a deadlock, or stopped by its own SIGSTOP."""

from crashrig.agents.behaviours import FOREVER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crashrig.agents.body import Body, Program
    from crashrig.agents.plan_file import Step

VERB = "hang"
VALUE = "word"
OPTIONS: dict[str, str] = {}
CHOICES = {"hang": ("sleep", "deadlock", "stopped")}
ENDS = True


def act(me: "Body", step: "Step") -> "Program":
    """Never come back."""
    if step.value == "deadlock":
        me.deadlock()
    elif step.value == "stopped":
        me.stop()
    while True:
        yield FOREVER
