"""`crashrig schema`: the JSON Schema of scenario files."""

from __future__ import annotations

import click

from crashrig.reading.scenario_schema import schema_text


@click.command("schema")
def command() -> None:
    """Print the JSON Schema of scenario files, for editors that complete and check while you write.

    Save it, and name it in the first line of a scenario: #:schema ./scenario.schema.json
    """
    click.echo(schema_text(), nl=False)
