"""Which supervisor a command is for: by state directory, by configuration file, or the only one there is."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from holdfast.client import ControlError, is_answering
from holdfast.locations import state_directories, state_root


def with_target(function: Callable[..., None]) -> Callable[..., None]:
    """Give the function `target`, the state directory to ask at; what goes wrong there ends with 1."""

    @click.option("--state-directory", metavar="PATH", help="Where the supervisor keeps its state.")
    @click.option("--config", type=click.Path(path_type=Path), metavar="CONFIG", help="The file it was started with.")
    @wraps(function)
    def targeted(state_directory: str | None, config: Path | None, **rest: Any) -> None:
        try:
            function(target=_target(state_directory, config), **rest)
        except ControlError as error:
            click.echo(f"holdfast: {error}", err=True)
            sys.exit(1)

    return targeted


def _target(state_directory: str | None, config: Path | None) -> str:
    named = state_directory or (None if config else os.environ.get("HOLDFAST_STATE_DIRECTORY"))
    if named:
        return os.path.abspath(named)
    if config:
        from holdfast.config import state_directory_of

        return state_directory_of(config, os.environ)
    return _only_one()


def _only_one() -> str:
    running = [directory for directory in state_directories(os.environ) if is_answering(directory)]
    if len(running) == 1:
        return running[0]
    if not running:
        root = state_root(os.environ)
        raise ControlError(f"no supervisor is running under {root}: start one, or name it by --state-directory")
    listed = "\n  ".join(running)
    raise ControlError(f"several supervisors are running: name one by --state-directory or --config\n  {listed}")
