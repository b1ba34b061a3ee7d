"""`holdfast start`, `stop`, `restart`, `shutdown`: an operator's orders to a running supervisor (RST-9, STOP-3).

Each returns when the order is accepted; `holdfast status` shows what has become of it.
"""

from __future__ import annotations

import click

from holdfast.client import request
from holdfast.commands.target import with_target


@click.command()
@click.argument("agent")
@with_target
def start(target: str, agent: str) -> None:
    """Start AGENT; its crashes are forgotten."""
    request(target, "start", agent)


@click.command()
@click.argument("agent")
@with_target
def stop(target: str, agent: str) -> None:
    """Stop AGENT and its whole tree. It stays down until it is started."""
    request(target, "stop", agent)


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
