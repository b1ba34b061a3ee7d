"""`crashrig show`: one scenario in words, then as it is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import msgspec

from crashrig.commands.selection import chosen
from crashrig.promises import PROMISES
from crashrig.quantities import encode_hook
from crashrig.reading.describe import Description, describe
from crashrig.subjects.protocol import CAPABILITIES
from crashrig.units import format_duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from crashrig.reading.scenario_file import LoadedScenario


@click.command("show")
@click.argument("scenario", metavar="ID|PATH")
@click.option("--json", "as_json", is_flag=True, help="As JSON: the scenario as it is read, and the words.")
def command(scenario: str, as_json: bool) -> None:
    """Show one scenario, or each one that a glob names: in words, then the file."""
    loaded = chosen([scenario])
    if as_json:
        shown = [_data(one) for one in loaded]
        data = shown[0] if len(shown) == 1 else shown
        click.echo(msgspec.json.format(msgspec.json.encode(data, enc_hook=encode_hook), indent=2))
        return
    for number, one in enumerate(loaded):
        click.echo("\n".join([*([""] if number else []), *page(one)]))


def _data(loaded: LoadedScenario) -> dict[str, object]:
    return {
        "id": loaded.id,
        "path": str(loaded.path),
        "digest": loaded.digest,
        "scenario": loaded.scenario,
        "words": describe(loaded.scenario),
    }


def page(loaded: LoadedScenario) -> list[str]:
    """All that is shown of one scenario."""
    scenario = loaded.scenario
    lines = [loaded.id, scenario.title, ""]
    if scenario.description:
        lines += [scenario.description.strip(), ""]
    lines.append(_summary(loaded))
    for heading, items in _sections(loaded, describe(scenario)):
        if items:
            lines += ["", heading, *(f"  {item}" for item in items)]
    return [*lines, "", f"File {loaded.path}", "", *loaded.text.rstrip().split("\n")]


def _summary(loaded: LoadedScenario) -> str:
    scenario = loaded.scenario
    pace = f", pace up to {scenario.pace:g}" if scenario.pace is not None else ""
    tags = f", tags: {', '.join(scenario.tags)}" if scenario.tags else ""
    return f"{scenario.level}, {' and '.join(scenario.modes)}, at most {format_duration(scenario.timeout)}{pace}{tags}"


def _sections(loaded: LoadedScenario, words: Description) -> Iterator[tuple[str, Sequence[str]]]:
    scenario = loaded.scenario
    yield "Shows these promises", [f"{id_}: {PROMISES[id_]}" for id_ in scenario.promises]
    yield "Needs a supervisor that", [f"{CAPABILITIES[name]} ({name})" for name in scenario.needs]
    yield "Is wanted of the supervisor", words.policy
    yield "Agents", words.agents
    yield "Faults", words.faults
    yield "Expectations", [f"{number}. {text}" for number, text in enumerate(words.expectations, 1)]
    yield "Known gaps", [f"{gap.subject}: {gap.reason}" for gap in scenario.xfail]
