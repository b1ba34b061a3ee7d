"""When SIGTERM comes, fork processes that rest for ever (see `spawn`), then exit with 143."""

from crashrig.agents.behaviours.spawn import fork_one

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crashrig.agents.body import Body, Program
    from crashrig.agents.plan_file import Step

VERB = "spawn_on_term"
VALUE = "word"
OPTIONS = {"count": "count"}
CHOICES = {"spawn_on_term": ("child", "deaf", "setsid", "daemon")}
ENDS = False


def act(me: "Body", step: "Step") -> None:
    """Prepare the births."""

    def multiply(me: "Body") -> "Program":
        for _ in range(step.count("count", 1)):
            fork_one(me, step.value)
        yield 0.0
        me.exit(143)

    me.on_term(multiply)
