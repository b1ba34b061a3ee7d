"""`holdfast check`: what would run, in words, or everything that is wrong; nothing is started (PRE-3)."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from holdfast.commands.options import Wrapper, settings_or_exit, with_settings
from holdfast.commands.summary import summary
from holdfast.config import ConfigError
from holdfast.handoff import to_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from holdfast.settings import Settings


@click.command(cls=Wrapper)
@with_settings
@click.option("--json", "as_json", is_flag=True, help="Print the settings, or the problems, as JSON.")
def check(settings: Callable[[], Settings], as_json: bool) -> None:
    """Say what CONFIG, or COMMAND, would run; or list everything that is wrong with it.

    Takes the flags and variables that `run` takes. Exit codes: 0 valid, 2 not.
    """
    if as_json:
        _print_json(settings)
    else:
        click.echo(summary(settings_or_exit(settings)))


def _print_json(settings: Callable[[], Settings]) -> None:
    try:
        click.echo(json.dumps({"valid": True, "settings": json.loads(to_json(settings()))}, indent=2))
    except ConfigError as error:
        click.echo(json.dumps({"valid": False, "problems": [asdict(problem) for problem in error.problems]}, indent=2))
        sys.exit(2)
