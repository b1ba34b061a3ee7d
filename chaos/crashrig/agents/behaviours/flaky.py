"""With this probability end at once with `code`, 1 if it is not given; else go on. Seed and generation decide."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crashrig.agents.body import Body
    from crashrig.agents.plan_file import Step

VERB = "flaky"
VALUE = "probability"
OPTIONS = {"code": "code"}
CHOICES: dict[str, tuple[str, ...]] = {}
ENDS = False


def act(me: "Body", step: "Step") -> None:
    """Draw once."""
    if me.chance() < float(step.value):
        me.exit(step.count("code", 1))
