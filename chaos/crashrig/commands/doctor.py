"""`crashrig doctor`: what this machine can do for the rig, what it cannot, and which subjects are there."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click
import msgspec

from crashrig.driving.exit_codes import ERROR, PASSED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crashrig.driving.abilities import Ability, Examination
    from crashrig.results import SubjectRecord


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What `--json` prints."""

    fit: bool
    examination: Examination
    subjects: list[SubjectRecord]


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def command(as_json: bool) -> None:
    """Say what this machine can do for the rig, and what it cannot.

    Exit code 0 when real cells can be run here, 4 when something they need is missing.
    """
    from crashrig.driving.abilities import examine
    from crashrig.driving.subject_choice import describe
    from crashrig.subjects.registry import names

    examination = examine()
    subjects = [describe(name).record for name in names()]
    fit = all(ability.there for ability in examination.abilities if ability.needed)
    if as_json:
        report = Report(fit=fit, examination=examination, subjects=subjects)
        click.echo(msgspec.json.format(msgspec.json.encode(report), indent=2))
    else:
        for line in _lines(examination, subjects, fit=fit):
            click.echo(line)
    sys.exit(PASSED if fit else ERROR)


def _lines(examination: Examination, subjects: list[SubjectRecord], *, fit: bool) -> Iterator[str]:
    host = examination.host
    memory = host.memory / 2**30
    yield f"{host.kernel} {host.machine}, {host.processors} processors, {memory:.1f} GiB, Python {host.python}"
    yield f"user {host.user}"
    yield f"containment: {host.containment}"
    yield f"observation: {host.observation}"
    yield ""
    for ability in examination.abilities:
        yield from _ability_lines(ability)
    yield ""
    yield "Subjects:"
    for subject in subjects:
        here = subject.unavailable or f"{subject.version or 'here'}, {len(subject.capabilities)} capabilities"
        yield f"  {'–' if subject.unavailable else '✓'} {subject.name}: {here}"
    yield ""
    yield "Real cells can be run here." if fit else "Real cells cannot be run here; simulated ones can."


def _ability_lines(ability: Ability) -> Iterator[str]:
    mark = "✓" if ability.there else "✗" if ability.needed else "–"
    yield f"  {mark} {ability.name}: {ability.found}"
    yield f"      for: {ability.purpose}"
