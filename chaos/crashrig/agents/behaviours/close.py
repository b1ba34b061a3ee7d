"""Close standard output and error, as a daemon does: whoever waits for their end learns nothing of a later death."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crashrig.agents.body import Body
    from crashrig.agents.plan_file import Step

VERB = "close"
VALUE = "word"
OPTIONS: dict[str, str] = {}
CHOICES = {"close": ("output",)}
ENDS = False


def act(me: "Body", step: "Step") -> None:  # noqa: ARG001
    """Let go of both."""
    me.release_output()
