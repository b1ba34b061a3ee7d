"""holdfast: a compact supervisor for long-running agents.

`Heartbeat` is the one name that agents import; the rest of the package is the supervisor itself.
"""

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """Load `Heartbeat` when it is asked for: the daemon does not need it."""
    if name == "Heartbeat":
        from holdfast.beat import Heartbeat

        return Heartbeat
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
