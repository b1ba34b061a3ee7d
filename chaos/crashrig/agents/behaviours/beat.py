"""Give a sign of life at once and then at every interval; for ever without `for` or `count`.

With `count` the behaviour goes on right after the last beat, with `for` when that time is over. Kinds other than
`good` are for heartbeat files: `frozen` rewrites the file but its time stands still, `future` is an hour ahead
and advances (a true beat), `truncated`, `binary` and `empty` leave rubbish, `foreign` names another living
process.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crashrig.agents.body import Body, Program
    from crashrig.agents.plan_file import Step

VERB = "beat"
VALUE = "duration"
OPTIONS = {"for": "duration", "count": "count", "kind": "word"}
CHOICES = {"kind": ("good", "frozen", "future", "truncated", "binary", "empty", "foreign")}
ENDS = False


def act(me: "Body", step: "Step") -> "Program":
    """Beat and rest, so many times."""
    interval = me.scaled(float(step.value))
    number, lasting = _extent(step)
    end = None if lasting is None else me.now() + me.scaled(lasting)
    done = 0
    while number is None or done < number:
        me.beat(step.word("kind", "good"))
        done += 1
        if end is not None:
            yield max(0.0, min(interval, end - me.now()))
        elif done != number:
            yield interval


def _extent(step: "Step") -> tuple[int | None, float | None]:
    """How many beats, and for how many nominal seconds; None for no limit. Both count: the first one reached."""
    count = step.count("count", 0) or None
    lasting = step.seconds("for")
    if lasting is None:
        return count, None
    rests = lasting / float(step.value) - 1e-9  # a beat due at the very end belongs to what follows
    fitting = int(-(-rests // 1))
    return (fitting, lasting) if count is None or fitting <= count else (count, None)
