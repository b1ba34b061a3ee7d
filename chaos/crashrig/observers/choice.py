"""Which observer this machine allows, found out by trying."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from crashrig.observers import kernel, pidfd
from crashrig.observers.kernel import KernelObserver
from crashrig.observers.process_event import ObserverUnavailableError
from crashrig.observers.scan import ScanObserver

if TYPE_CHECKING:
    from crashrig.observers.process_event import Observer

KERNEL, SCAN = "kernel", "scan"


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What the probe found: the observer to use, in words what it is, and why it is not a better one."""

    observer: str
    words: str
    why_not_better: str = ""


def probe() -> Choice:
    """Try the observers from the best on."""
    refusal = kernel.probe()
    if not refusal:
        return Choice(observer=KERNEL, words=KernelObserver.name)
    statuses = "exit statuses by PIDFD_GET_INFO" if pidfd.can_tell_exit_status() else "exit statuses as agents say"
    return Choice(observer=SCAN, words=f"{ScanObserver.name}, {statuses}", why_not_better=refusal)


def open_observer(which: str, root: int) -> Observer:
    """The observer that `probe` chose, for the descendants of `root`; the scan where it has become impossible."""
    if which == KERNEL:
        try:
            return KernelObserver()
        except ObserverUnavailableError:
            pass
    return ScanObserver(root)
