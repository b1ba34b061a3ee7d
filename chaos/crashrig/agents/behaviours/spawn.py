"""Fork processes that rest for ever.

`child` stays in the agent's group and dies of SIGTERM, `deaf` stays there and takes no notice of it, `setsid`
leads a session of its own, `daemon` is forked twice and has its own session and no output, `holder` is the same
but holds standard output and error open, `tree` is a chain of `depth` children, each the parent of the next.
"""

from crashrig.agents.behaviours import FOREVER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from crashrig.agents.body import Body, Program
    from crashrig.agents.plan_file import Step

VERB = "spawn"
VALUE = "word"
OPTIONS = {"count": "count", "depth": "count"}
CHOICES = {"spawn": ("child", "deaf", "setsid", "daemon", "holder", "tree")}
ENDS = False

SIGTERM = 15
DEPTH = 3


def act(me: "Body", step: "Step") -> None:
    """Fork, so many times."""
    for _ in range(step.count("count", 1)):
        fork_one(me, step.value, step.count("depth", DEPTH))


def fork_one(me: "Body", kind: str, depth: int = DEPTH) -> None:
    """Fork one process of this kind, or one chain of them."""
    if kind == "tree":
        me.fork(_chain(depth))
    elif kind in ("daemon", "holder"):
        me.wait_for(me.fork(_between(_daemon if kind == "daemon" else _linger)))
    else:
        me.fork({"child": _linger, "deaf": _deaf, "setsid": _setsid}[kind])


def _linger(me: "Body") -> "Program":  # noqa: ARG001
    while True:
        yield FOREVER


def _deaf(me: "Body") -> "Program":
    me.ignore(SIGTERM)
    yield from _linger(me)


def _setsid(me: "Body") -> "Program":
    me.new_session()
    yield from _linger(me)


def _daemon(me: "Body") -> "Program":
    me.release_output()
    yield from _linger(me)


def _between(program: "Callable[[Body], Program]") -> "Callable[[Body], Program]":
    """The one between agent and daemon, which orphans it (daemon(7): setsid, fork again, exit)."""

    def orphan(me: "Body") -> "Program":
        me.new_session()
        me.fork(program)
        yield 0.0

    return orphan


def _chain(depth: int) -> "Callable[[Body], Program]":
    def link(me: "Body") -> "Program":
        if depth > 1:
            me.fork(_chain(depth - 1))
        yield from _linger(me)

    return link
