"""The supervisor as a process: its parts put together, run, and taken apart again.

`holdfast run` becomes this program with the settings on a descriptor: `python -m holdfast.daemon --settings-fd N`.
Nothing is validated here. Whatever way it ends, nothing of any agent remains: the ordinary way because the core
finishes only when every tree is empty, after a fault of our own because everything is killed before we go.
"""

import gc
import os
import selectors
import signal
import sys
import traceback
from contextlib import ExitStack

from holdfast import cgroups, clock
from holdfast.cgroups import CgroupError
from holdfast.control import ControlServer
from holdfast.driver import Driver
from holdfast.fleet import Fleet
from holdfast.handoff import from_json
from holdfast.journal import Journal
from holdfast.lastrites import end_everything
from holdfast.lock import Lock, LockedError
from holdfast.loop import Loop
from holdfast.notify import SocketDirectory
from holdfast.operations import Operations
from holdfast.output import say
from holdfast.settings import Settings
from holdfast.signals import HEARD_SIGNALS, Signals
from holdfast.tree import Forest
from holdfast.watching import WatchMaker

EXIT_REFUSED = 2
"""The run could not begin: another supervisor has the state directory, or what was demanded cannot be had."""

EXIT_FAULT = 70
"""A fault of the supervisor's own (EX_SOFTWARE, sysexits.h)."""

_LEFTOVERS_SECONDS = 5.0
_STDERR = 2


def main(arguments: list[str] | None = None) -> int:
    """Run the settings that were handed over; returns the exit code."""
    _open_the_first_three()
    words = sys.argv[1:] if arguments is None else arguments
    if len(words) != 2 or words[0] != "--settings-fd" or not words[1].isdigit():
        say("usage: python -m holdfast.daemon --settings-fd N (this is what `holdfast run` starts)")
        return EXIT_REFUSED
    with open(int(words[1]), encoding="utf-8") as file:
        settings = from_json(file.read())
    prepare_process()
    try:
        return run(settings)
    except (LockedError, CgroupError) as error:
        say(str(error))
    except OSError as error:
        say(f"cannot start: {error}")
    return EXIT_REFUSED


def _open_the_first_three() -> None:
    """Where stdin, stdout or stderr are closed, the next file to be opened would take what is said for a person."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= _STDERR:
        pass
    os.close(descriptor)


def prepare_process() -> None:
    """Leave nothing to agents by accident: no blocked or ignored signal, no descriptor above 2."""
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    for descriptor in map(int, os.listdir("/proc/self/fd")):
        try:
            os.set_inheritable(descriptor, descriptor <= _STDERR)
        except OSError:  # the one of the listing itself
            pass


def run(settings: Settings) -> int:
    """Supervise until everything is over; returns the exit code of RST-6.

    Raises LockedError, CgroupError or OSError when it cannot begin; nothing has been started then.
    """
    with ExitStack() as stack:
        signals = Signals()  # first, so that a stop that comes now leaves nothing half-made
        stack.callback(signals.close)
        lock = Lock(settings.state_directory)
        stack.callback(lock.release)
        groups = cgroups.find(settings.containment)
        stack.callback(groups.close)
        journal = Journal(os.path.join(settings.state_directory, "journal.jsonl"), settings, say)
        stack.callback(journal.close)
        report = _Reporter(journal)
        forest = Forest(groups.agent_of, report)
        stack.callback(forest.close)
        loop = _assemble(settings, stack, signals, forest, groups, journal, report)
        try:
            return loop.run()
        except Exception:  # a bug: agents without a supervisor would be worse than no agents
            say(f"critical: a fault of holdfast itself; all agents are killed\n{traceback.format_exc()}")
            journal.note("fault", text=traceback.format_exc())
            return EXIT_FAULT
        finally:
            signal.pthread_sigmask(signal.SIG_BLOCK, HEARD_SIGNALS)  # it is over: nothing may spoil the tidying up
            left = end_everything(forest, groups, clock.now() + _LEFTOVERS_SECONDS)
            if left:
                say(f"critical: {len(left)} processes could not be killed: {left[:20]}")


class _Reporter:
    """Says on stderr and in the journal what a person should know and the core has no use for."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def __call__(self, text: str) -> None:
        say(f"warning: {text}")
        self._journal.note("warning", text=text)


def _assemble(
    settings: Settings,
    stack: ExitStack,
    signals: Signals,
    forest: Forest,
    groups: cgroups.Cgroups,
    journal: Journal,
    report: _Reporter,
) -> Loop:
    """Everything between the core and the kernel, in the order in which the parts need each other."""
    selector = selectors.DefaultSelector()
    stack.callback(selector.close)
    fleet = Fleet({agent.name: agent.policy for agent in settings.agents}, settings.fleet)
    sockets = SocketDirectory(settings.state_directory)
    stack.callback(sockets.close)
    by_agent, watches = WatchMaker(forest, selector, sockets, journal, stack).make(settings.agents)
    loop = Loop(fleet, selector, signals, journal, watches, say)
    loop.driver = Driver(settings.agents, by_agent, forest, groups, selector, loop.note_death, report)
    stack.callback(loop.driver.close)
    operations = Operations(fleet, loop.feed)
    loop.on_change = operations.settle
    loop.control = ControlServer(settings.state_directory, selector, operations.handle)
    stack.callback(loop.control.close)
    gc.freeze()  # what was made until here lives as long as we do: no collection needs to look at it
    return loop


if __name__ == "__main__":
    sys.exit(main())
