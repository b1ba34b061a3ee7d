"""The subjects of a run: found by their names, and asked what they are and can do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from crashrig.results import SubjectRecord
from crashrig.subjects.protocol import SubjectError, UnsupportedError
from crashrig.subjects.registry import canonical, open_subject

if TYPE_CHECKING:
    from collections.abc import Sequence

SIMULATED = "simulated"
DEFAULT = (SIMULATED, "holdfast")


class SubjectChoice(msgspec.Struct, frozen=True, kw_only=True):
    """A subject of this run: `name` as the registry knows it, and what its adapter said of it."""

    name: str
    record: SubjectRecord

    @property
    def simulated(self) -> bool:
        """Whether it runs in virtual time."""
        return self.name == SIMULATED


def choose(names: Sequence[str], beside: Sequence[str] = ()) -> list[SubjectChoice]:
    """The subjects of these names, each once, and those that are to run only beside them.

    SubjectError when a name is not known, when an adapter cannot say what it is, or when two subjects call
    themselves the same: reports could not tell them apart.
    """
    deciding = dict.fromkeys(map(canonical, names))
    others = dict.fromkeys(name for name in map(canonical, beside) if name not in deciding)
    chosen = [describe(name) for name in deciding] + [describe(name, beside=True) for name in others]
    seen: dict[str, str] = {}
    for one in chosen:
        other = seen.setdefault(one.record.name, one.name)
        if other != one.name:
            raise SubjectError(f"two subjects are called {one.record.name!r}: {other} and {one.name}")
    return chosen


def describe(name: str, *, beside: bool = False) -> SubjectChoice:
    """Ask one adapter.

    A supervisor that cannot run here is `unavailable`; SubjectError when the adapter itself is missing or broken,
    which must not pass for a supervisor that is merely not installed.
    """
    subject = open_subject(name)
    try:
        said = subject.describe()
    except UnsupportedError as error:
        return SubjectChoice(name=name, record=SubjectRecord(name=name, unavailable=str(error), beside=beside))
    finally:
        subject.close()
    record = SubjectRecord(
        name=said.name,
        version=said.version,
        capabilities=said.capabilities,
        max_pace=said.max_pace,
        unavailable=said.unavailable,
        remarks=said.remarks,
        beside=beside,
    )
    return SubjectChoice(name=name, record=record)
