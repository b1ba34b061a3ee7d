"""What keeps a process of a fake agent from outliving or outgrowing its run, whatever its behaviour does.

Limits and timers of the kernel only: they hold in a deadlock, in a stopped process and in a runaway program.
"""

import resource

from crashrig.agents.quick import os, signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from crashrig.agents.plan_file import Plan

PROCESSES_OF_THE_USER = 4096
"""RLIMIT_NPROC counts all processes of a user, not of an agent (and none of root's): only a last line of defence."""


def limit(plan: "Plan") -> None:
    """Take the plan's limits; children inherit them. A limit that is tighter already stays."""
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_CPU, plan.cpu)
    _lower(resource.RLIMIT_DATA, plan.memory)
    _lower(resource.RLIMIT_FSIZE, plan.disk)
    if os.getuid() != 0:
        _lower(resource.RLIMIT_NPROC, PROCESSES_OF_THE_USER)


def _lower(which: int, wanted: int) -> None:
    _, hard = resource.getrlimit(which)
    value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(which, (value, value))


def end_after(seconds: float) -> None:
    """SIGALRM, whose default action kills; forks do not inherit the timer and set their own (setitimer(2))."""
    signal.setitimer(signal.ITIMER_REAL, seconds)


def kill_after(seconds: float) -> None:
    """SIGKILL from a kernel timer: a stopped process hears no other signal (timer_create(2))."""
    import ctypes  # slow to import, and only stopped processes need it

    class SignalEvent(ctypes.Structure):
        _fields_ = (
            ("value", ctypes.c_void_p),
            ("signal", ctypes.c_int),
            ("notify", ctypes.c_int),  # 0 is SIGEV_SIGNAL
            ("rest", ctypes.c_char * 48),
        )

    libc = ctypes.CDLL(None, use_errno=True)
    timer = ctypes.c_void_p()
    event = SignalEvent(signal=signal.SIGKILL, notify=0)
    times = (ctypes.c_long * 4)(0, 0, int(seconds), int(seconds % 1 * 1e9))
    monotonic = 1
    if libc.timer_create(monotonic, ctypes.byref(event), ctypes.byref(timer)) or libc.timer_settime(
        timer, 0, times, None
    ):
        raise OSError(ctypes.get_errno(), "no timer that would end a stopped process")


def deadlock(watch: "Callable[[float], None]") -> None:
    """Take a lock twice, while a thread rests with `watch`, which ends the process when its run is gone.

    Handlers of signals still run here, as they do in any Python program that waits for a lock.
    """
    from _thread import allocate_lock, start_new_thread

    start_new_thread(watch, (float("inf"),))
    lock = allocate_lock()
    lock.acquire()
    lock.acquire()
