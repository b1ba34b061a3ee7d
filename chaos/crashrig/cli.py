"""The command line of crashrig: names the commands and loads each only when it is used.

What a command does is in `commands/`, one module each.
"""

from __future__ import annotations

from importlib import import_module

import click

from crashrig import __version__

COMMANDS = {
    "list": "The scenarios there are.",
    "show": "One scenario, in words and in full.",
    "validate": "Check scenario files and say everything that is wrong with them.",
    "schema": "Print the JSON Schema of scenario files, for editors.",
    "run": "Run scenarios on supervisors and judge them from outside.",
    "replay": "Feed a real run's journal back into the core and compare its decisions.",
    "reproduce": "Run the cell of an earlier run again, exactly as it was.",
    "report": "Write the reports of a run again.",
    "recheck": "Judge the histories of an earlier run again with today's checkers.",
    "peers": "Supervisors to compare with: what is here, how to get the others.",
    "doctor": "What this machine can do for the rig, and what it cannot.",
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called; the help texts stand here."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """All names, in the order of use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import the command's module; its click command is called `command`."""
        if cmd_name not in COMMANDS:
            return None
        command = import_module(f"crashrig.commands.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the nearest name for a misspelt one."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(name, COMMANDS, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else " Commands: " + ", ".join(COMMANDS) + "."
            raise click.UsageError(f"No such command {name!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="crashrig")
def main() -> None:
    """Prove what a supervisor does when agents crash, hang, fork and linger.

    `crashrig run` with no arguments runs the built-in suite on holdfast, simulated and real, and leaves a
    report in reports/latest/.
    """
