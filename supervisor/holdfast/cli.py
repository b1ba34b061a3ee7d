"""The command line of holdfast: names the commands and loads each only when it is used.

What a command does is in `commands/`. The daemon loads nothing of this: `run` becomes it.
"""

from __future__ import annotations

from importlib import import_module

import click

from holdfast import __version__

COMMANDS = {
    "run": ("run", "Run the agents of a configuration, or one command, and keep them alive."),
    "check": ("check", "Say what would run, or everything that is wrong; start nothing."),
    "status": ("status", "Show what each agent of a running supervisor is doing."),
    "start": ("operate", "Start an agent; a fatal one gets a clean slate."),
    "stop": ("operate", "Stop an agent and its whole tree; it stays down."),
    "restart": ("operate", "Stop an agent and start it again; not a crash."),
    "shutdown": ("operate", "Stop all agents, then the supervisor."),
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called; the help texts stand here."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """All names, in the order of use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import the command's module, in which the command has its own name."""
        if cmd_name not in COMMANDS:
            return None
        module, _ = COMMANDS[cmd_name]
        command = getattr(import_module(f"holdfast.commands.{module}"), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the nearest name for a misspelt one."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            from holdfast.config.problems import nearest

            meant = nearest(name, COMMANDS)
            hint = f"Did you mean {meant!r}?" if meant else f"Commands: {', '.join(COMMANDS)}."
            raise click.UsageError(f"No such command {name!r}. {hint}", ctx)
        return super().resolve_command(ctx, args)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="holdfast")
def main() -> None:
    """Keep long-running agents alive: restart what crashes, kill what hangs, leave nothing behind."""
