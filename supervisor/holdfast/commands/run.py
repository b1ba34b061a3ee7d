"""`holdfast run`: read the settings, then become the daemon.

The process stays the same; only the program in it changes, so that whoever started it watches the right pid and
nothing of the command line's libraries stays in memory.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NoReturn

import click

from holdfast.commands.options import Wrapper, settings_or_exit, with_settings
from holdfast.handoff import to_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from holdfast.settings import Settings


@click.command(cls=Wrapper)
@with_settings
def run(settings: Callable[[], Settings]) -> None:
    """Run the agents of CONFIG, or one COMMAND, until all are done.

    \b
    Exit codes: 0 all ended clean or were stopped, 100 one is fatal (1 with the
    preset external), 2 wrong use or configuration, nothing was started.

    A flag applies to all agents and wins over the file and over HOLDFAST_ variables.
    """
    _become_daemon(settings_or_exit(settings))


def _become_daemon(settings: Settings) -> NoReturn:
    """Hand over the settings in memory; execv(3) keeps the descriptor, for it is not close-on-exec."""
    descriptor = os.memfd_create("holdfast-settings", 0)
    with os.fdopen(descriptor, "w", encoding="ascii", closefd=False) as file:
        file.write(to_json(settings))
    os.lseek(descriptor, 0, os.SEEK_SET)
    # -P: a file of the user's working directory must not stand in for a module of the daemon's.
    arguments = [sys.executable, "-P", "-m", "holdfast.daemon", "--settings-fd", str(descriptor)]
    os.execv(sys.executable, arguments)
