"""The verbs of behaviours, one module each, and how a list of steps is performed.

Every module names itself and its grammar in constants, for the validator and the documentation:

VERB     the key of a step
VALUE    the kind of its value: duration, code, signal, word, count or probability
OPTIONS  further keys of the step and their kinds (a `flag` is true or false)
CHOICES  for each key that is a word: the words there are
ENDS     whether nothing can follow this step (a verb may still end the process when it does not say so here)
act      the program: `act(me, step)` either does something at once and returns None, or is a generator of rests

The first line of a module's docstring is the help for its verb. A behaviour that runs out of steps exits with 0.
"""

FOREVER = float("inf")
"""A rest without an end."""

VERBS = (
    "beat",
    "wait",
    "exit",
    "signal",
    "signal_group",
    "hang",
    "ignore",
    "slow_term",
    "spawn",
    "spawn_on_term",
    "flaky",
    "close",
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

    from crashrig.agents.body import Body, Program
    from crashrig.agents.plan_file import Step


def load(verb: str) -> "ModuleType":
    """The module of a verb; only what a plan uses is ever imported."""
    # not importlib.import_module: importlib itself would be one import more at every start of an agent
    module: ModuleType = __import__(f"{__name__}.{verb}", fromlist=("act",))
    return module


def perform(me: "Body", steps: "list[Step]") -> "Program":
    """The program of a whole behaviour: step after step."""
    for step in steps:
        waiting = load(step.verb).act(me, step)
        if waiting is not None:
            yield from waiting
