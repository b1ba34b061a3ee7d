"""`crashrig peers`: which other supervisors are here, and how to get them."""

from __future__ import annotations

import click
import msgspec

from crashrig import peers


@click.group(invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> None:
    """Supervisors to compare with: what is here, how to get the others.

    They live in $CRASHRIG_PEERS, or in crashrig/peers of the user's cache directory, each in a virtual
    environment of its own. Nothing outside that folder is touched.
    """
    if context.invoked_subcommand is None:
        context.invoke(list_)


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def list_(as_json: bool = False) -> None:
    """Say what is installed and what is not."""
    for name in peers.PEERS:
        _show(peers.find(name), as_json)


@command.command()
@click.argument("name")
def install(name: str) -> None:
    """Install NAME in its own environment; does nothing when it is already there and complete."""
    _known(name)
    try:
        peers.install(name, lambda line: click.echo(line, err=True))
    except peers.PeerError as error:
        raise click.ClickException(str(error)) from error


@command.command()
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def doctor(name: str | None, as_json: bool) -> None:
    """Start NAME, or everyone that is installed, to see that it works; exit 1 when one does not."""
    if name:
        _known(name)
    found = [peers.probe(each) for each in ([name] if name else peers.PEERS)]
    for each in found:
        _show(each, as_json)
    if any(each.problem and (name or each.home.exists()) for each in found):
        raise SystemExit(1)


def _known(name: str) -> None:
    try:
        peers.peer(name)
    except peers.PeerError as error:
        raise click.UsageError(str(error)) from error


def _show(found: peers.Found, as_json: bool) -> None:
    state = found.problem or f"{found.version} in {found.home}"
    if as_json:
        line = {
            "name": found.peer.name,
            "what": found.peer.what,
            "version": found.version,
            "home": str(found.home),
            "problem": found.problem,
        }
        click.echo(msgspec.json.encode(line).decode())
    else:
        click.echo(f"{found.peer.name:<12} {state}")
