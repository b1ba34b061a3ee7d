"""Events and effects as JSON and back, exactly: what the journal and its readers have in common."""

from dataclasses import asdict

from holdfast import effects, events
from holdfast.effects import Effect
from holdfast.events import Event


def encode(record: Event | Effect) -> dict[str, object]:
    """`{"type": "Spawned", "agent": …}`."""
    return {"type": type(record).__name__, **asdict(record)}


def decode_event(fields: dict[str, object]) -> Event:
    """The event that `encode` was given; raises ValueError for anything else."""
    return _decode(fields, events)  # type: ignore[return-value]


def decode_effect(fields: dict[str, object]) -> Effect:
    """The effect that `encode` was given; raises ValueError for anything else."""
    fields = dict(fields)
    if fields.get("type") == "StateChanged":
        fields["old"], fields["new"] = effects.State(str(fields["old"])), effects.State(str(fields["new"]))
    if fields.get("type") == "Alert":
        fields["level"] = effects.Level(str(fields["level"]))
    return _decode(fields, effects)  # type: ignore[return-value]


def _decode(fields: dict[str, object], module: object) -> object:
    values = dict(fields)
    name = str(values.pop("type", ""))
    kind = getattr(module, name, None)
    if not isinstance(kind, type) or not hasattr(kind, "__dataclass_fields__"):
        raise ValueError(f"expected the name of an event or effect, found {name!r}")
    try:
        return kind(**values)
    except TypeError as error:
        raise ValueError(f"{name}: {error}") from None
