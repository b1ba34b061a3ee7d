"""`holdfast start`, `stop`, `restart`, `shutdown`: an operator's orders to a running supervisor (RST-9, STOP-3).

Each returns when the order is accepted, `stop --wait` when it is carried out; `status` shows what became of it.
"""

from __future__ import annotations

import click

from holdfast.client import request
from holdfast.commands.target import with_target
from holdfast.units import parse_duration


def _seconds(context: click.Context, parameter: click.Parameter, value: str | None) -> float | None:
    if value is None:
        return None
    try:
        return parse_duration(value)
    except ValueError:
        expected = f'expected a duration with a unit, such as "30s", found {value!r}'
        raise click.BadParameter(expected, context, parameter) from None


@click.command()
@click.argument("agent")
@with_target
def start(target: str, agent: str) -> None:
    """Start AGENT; its crashes are forgotten."""
    request(target, "start", agent)


@click.command()
@click.argument("agent")
@click.option("--wait", metavar="DURATION", callback=_seconds, help="Return when it is down, at most this much later.")
@with_target
def stop(target: str, agent: str, wait: float | None) -> None:
    """Stop AGENT and its whole tree. It stays down until it is started."""
    if wait is None:
        request(target, "stop", agent)
    else:
        request(target, "stop", agent, wait=True, timeout=wait)


@click.command()
@click.argument("agent")
@with_target
def restart(target: str, agent: str) -> None:
    """Stop AGENT and its whole tree, then start it. This is no crash."""
    request(target, "restart", agent)


@click.command()
@with_target
def shutdown(target: str) -> None:
    """Stop all agents, those that depend on others first, then the supervisor."""
    request(target, "shutdown")
