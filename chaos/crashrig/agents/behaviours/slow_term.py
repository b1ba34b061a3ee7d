"""From now on take so long to end after SIGTERM, then exit with `code`, 0 if it is not given."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crashrig.agents.body import Body, Program
    from crashrig.agents.plan_file import Step

VERB = "slow_term"
VALUE = "duration"
OPTIONS = {"code": "code"}
CHOICES: dict[str, tuple[str, ...]] = {}
ENDS = False


def act(me: "Body", step: "Step") -> None:
    """Prepare the slow end."""

    def end_slowly(me: "Body") -> "Program":
        yield me.scaled(float(step.value))
        me.exit(step.count("code", 0))

    me.on_term(end_slowly)
