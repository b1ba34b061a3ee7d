"""The first steps of a fake agent: read the plan, take the limits, count this start, report it, begin to live."""

from crashrig.agents import safety
from crashrig.agents.behaviours import perform
from crashrig.agents.channel import Channel, run_is_gone
from crashrig.agents.plan_file import parse
from crashrig.agents.quick import os
from crashrig.agents.real_body import RealBody

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

PLAN_BYTES_MAX = 1 << 20


def be_born(path: str, started: int) -> "NoReturn":
    """Live by the plan at `path`; `started` is when the first statement ran, in monotonic nanoseconds."""
    try:
        plan = parse(_read(path))
    except FileNotFoundError:
        run_is_gone()
    safety.end_after(plan.lifetime)
    safety.limit(plan)
    channel = Channel(plan.reports)
    generation = _count_start(plan.starts)
    body = RealBody(plan, generation, channel)
    body.report("start", started)
    body.live(perform(body, plan.behaviour(generation)))


def _read(path: str) -> str:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(fd, PLAN_BYTES_MAX).decode()
    finally:
        os.close(fd)


def _count_start(directory: str) -> int:
    """Which start this is, from 1: the first free `start.N`, taken atomically, because nobody passes it on."""
    number = len(os.listdir(directory)) + 1
    while True:
        try:
            os.close(os.open(f"{directory}/start.{number}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            number += 1
        else:
            return number
