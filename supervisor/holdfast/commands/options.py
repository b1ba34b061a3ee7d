"""What `run` and `check` take in common: a configuration file or a command, and a flag for each setting.

The flags are made from the tables of `config.keys`, so none is forgotten and their help is the documentation's.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from holdfast.config import ConfigError, keys, kinds, load, load_command
from holdfast.config.origins import flag

if TYPE_CHECKING:
    from holdfast.settings import Settings

Decorator = Callable[[Callable[..., None]], Callable[..., None]]

_COMMAND = "holdfast.command"
_DEFAULT_LENGTH_MAX = 30  # a longer one is for the documentation
_OF_AGENT = ("directory", "user", "log")


class Wrapper(click.Command):
    """A command line that ends in `-- COMMAND ARGS…`: all that follows the first `--` is left as it is."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take the wrapped command away before click can see it."""
        if "--" in args:
            split = args.index("--")
            ctx.meta[_COMMAND] = args[split + 1 :]
            args = args[:split]
        return super().parse_args(ctx, args)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Both forms in one line."""
        return [*super().collect_usage_pieces(ctx), "[-- COMMAND ARGS...]"]


def with_settings(function: Callable[..., None]) -> Callable[..., None]:
    """Give the function, in place of all these flags, a way to the settings that they ask for."""

    @wraps(function)
    def resolved(config: tuple[str, ...], name: str, **flags: Any) -> None:
        rest = {own: flags.pop(own) for own in list(flags) if own not in _FLAGS}
        overrides = {_FLAGS[own]: value for own, value in flags.items() if value is not None and value is not False}
        function(_source(config, name, overrides), **rest)

    command: Callable[..., None] = resolved
    for option in reversed(_options()):
        command = option(command)
    return command


def _source(config: tuple[str, ...], name: str, overrides: dict[str, object]) -> Callable[[], Settings]:
    """How to get the settings; wrong use of the two forms ends here, as click's own usage errors do."""
    context = click.get_current_context()
    command: list[str] = context.meta.get(_COMMAND, [])
    if len(config) > 1:
        raise click.UsageError(f"To run a command, put -- before it: {context.command_path} -- {' '.join(config)}")
    if bool(config) == bool(command):
        raise click.UsageError("Give either a configuration file, or a command after --.")
    if command:
        return lambda: load_command(command, name=name, overrides=overrides)
    if name:
        raise click.UsageError("--name is for a command after --; a file names its agents itself.")
    return lambda: load(Path(config[0]), overrides=overrides)


def settings_or_exit(settings: Callable[[], Settings]) -> Settings:
    """The settings; or all problems on stderr and exit 2 (PRE-3)."""
    try:
        return settings()
    except ConfigError as error:
        click.echo(str(error), err=True)
        sys.exit(2)


def _pairs(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """K=V, split at the first equals sign."""
    pairs = {}
    for value in values:
        name, equals, text = value.partition("=")
        if not name or not equals:
            raise click.BadParameter(f"expected NAME=VALUE, found {value!r}", context, parameter)
        pairs[name] = text
    return pairs


def _flag_names() -> dict[str, str]:
    """Key path by the name under which click hands over a flag."""
    policy = [*keys.TOP, *keys.POLICY, *_OF_AGENT]
    paths = {name: name for name in policy} | {f"heartbeat_{name}": f"heartbeat.{name}" for name in keys.HEARTBEAT}
    return paths | {"env": "environment"}


_FLAGS = _flag_names()


def _options() -> list[Decorator]:
    meaning = keys.AGENT["environment"].meaning
    return [
        click.argument("config", nargs=-1, metavar="[CONFIG]"),
        click.option("--name", default="", metavar="NAME", help="What to call the agent of a command."),
        *(_option((name,)) for name in [*keys.TOP, *_OF_AGENT]),
        click.option("--env", multiple=True, metavar="K=V", callback=_pairs, help=f"{meaning} Can be repeated."),
        *(_option((name,)) for name in keys.POLICY),
        *(_option(("heartbeat", name)) for name in keys.HEARTBEAT),
    ]


def _option(path: tuple[str, ...]) -> Decorator:
    """The flag of one key. No default: what is not given is left to the layers below."""
    key = keys.at(path)
    if key.kind is kinds.YES:
        return click.option(flag(path), is_flag=True, help=key.meaning)
    return click.option(flag(path), metavar=key.kind.metavar, help=key.meaning + _default(key.default))


def _default(written: str) -> str:
    """A default as a flag would say it."""
    plain = re.sub(r'["\[\] ]', "", written)
    return f"  [default: {plain}]" if plain and len(plain) <= _DEFAULT_LENGTH_MAX else ""
