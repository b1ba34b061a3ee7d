"""`crashrig list`: the scenarios there are, as a table or as JSON."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import click
import msgspec

from crashrig.commands.selection import chosen, scenario_arguments

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crashrig.reading.scenario_file import LoadedScenario


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One scenario as `--json` lists it; `timeout` is in seconds."""

    id: str
    title: str
    level: str
    promises: list[str]
    modes: list[str]
    needs: list[str]
    tags: list[str]
    timeout: float
    path: str
    digest: str


@click.command("list")
@scenario_arguments
@click.option("--json", "as_json", is_flag=True, help="A JSON array instead of a table.")
def command(
    scenarios: Sequence[str], tags: Sequence[str], levels: Sequence[str], promises: Sequence[str], as_json: bool
) -> None:
    """List scenarios: all built-in ones, or those that are named.

    A name is an id, a folder of ids, a glob over ids, or the path of a file or a directory.
    """
    loaded = chosen(scenarios, tags=tags, levels=levels, promises=promises)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode([entry(one) for one in loaded]), indent=2))
        return
    for line in table(loaded):
        click.echo(line)
    click.echo(f"{len(loaded)} scenario{'' if len(loaded) == 1 else 's'}", err=True)


def entry(loaded: LoadedScenario) -> Entry:
    """What is listed of one scenario."""
    scenario = loaded.scenario
    return Entry(
        id=loaded.id,
        title=scenario.title,
        level=scenario.level,
        promises=scenario.promises,
        modes=[*scenario.modes],
        needs=scenario.needs,
        tags=scenario.tags,
        timeout=float(scenario.timeout),
        path=str(loaded.path),
        digest=loaded.digest,
    )


def table(loaded: Sequence[LoadedScenario]) -> list[str]:
    """One line for each scenario, with a heading for each folder; columns are as wide as they must be."""
    rows = {one.id: _cells(one) for one in loaded}
    widths = [max(len(row[column]) for row in rows.values()) for column in range(4)]
    lines: list[str] = []
    for folder, ids in groupby(rows, key=_folder):
        lines += ["", folder] if lines else [folder]
        for id_ in ids:
            *cells, title = rows[id_]
            padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
            lines.append("  " + "  ".join([*padded, title]))
    return lines


def _folder(id_: str) -> str:
    return id_.rpartition("/")[0] or "."


def _cells(loaded: LoadedScenario) -> tuple[str, str, str, str, str]:
    scenario = loaded.scenario
    modes = " + ".join(scenario.modes)
    return loaded.id, scenario.level, ", ".join(scenario.promises) or "-", modes, scenario.title
