"""From a scenario's nominal policy to the one an adapter is given: nothing unsaid, everything in real seconds.

Both drivers use it, so that simulation (pace 1) and real runs ask the same of a supervisor.
"""

from __future__ import annotations

import msgspec

from crashrig.quantities import Duration
from crashrig.scenario import Policy

BACKOFF = (1.0, 2.0, 4.0, 8.0, 16.0)
BACKOFF_INITIAL, BACKOFF_MULTIPLIER, BACKOFF_MAX = 1.0, 2.0, 300.0
"""Nominal seconds, and a factor: the defaults that RST-4 names."""


def real_policy(policy: Policy, pace: float) -> Policy:
    """The policy with its defaults written out and every duration divided by `pace`.

    A back-off is either a list or initial, multiplier and max, never both nor neither. Without a heartbeat
    timeout there is no start-up grace; with one it defaults to the timeout (HB-3).
    """
    spoken = msgspec.structs.replace(policy, **_backoff(policy), startup_grace=_startup_grace(policy))
    fields = msgspec.structs.asdict(spoken)
    return msgspec.structs.replace(spoken, **{name: _paced(value, pace) for name, value in fields.items()})


def _backoff(policy: Policy) -> dict[str, object]:
    if policy.backoff is not None:
        return {"backoff_initial": None, "backoff_multiplier": None, "backoff_max": None}
    given = (policy.backoff_initial, policy.backoff_multiplier, policy.backoff_max)
    if given == (None, None, None):
        return {"backoff": [Duration(delay) for delay in BACKOFF]}
    initial, multiplier, maximum = given
    return {
        "backoff_initial": Duration(BACKOFF_INITIAL if initial is None else initial),
        "backoff_multiplier": BACKOFF_MULTIPLIER if multiplier is None else multiplier,
        "backoff_max": Duration(BACKOFF_MAX if maximum is None else maximum),
    }


def _startup_grace(policy: Policy) -> Duration | None:
    if policy.heartbeat_timeout is None:
        return None
    return policy.heartbeat_timeout if policy.startup_grace is None else policy.startup_grace


def _paced(value: object, pace: float) -> object:
    if isinstance(value, Duration):
        return Duration(value / pace)
    if isinstance(value, list):
        return [_paced(entry, pace) for entry in value]
    return value
