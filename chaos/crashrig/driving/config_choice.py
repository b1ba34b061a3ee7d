"""A configuration that the user chose with `--config`: a subject's own file, or a policy for any subject."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import msgspec

from crashrig.quantities import decode_hook
from crashrig.scenario import Policy, Scenario

if TYPE_CHECKING:
    from pathlib import Path

POLICY_TABLE = "policy"


class ConfigError(Exception):
    """A configuration cannot be used; the text says which file, what was expected and what was found."""


class ConfigChoice(msgspec.Struct, frozen=True):
    """One configuration. `name` is empty for the scenarios' own.

    `override` is the path of a subject's own configuration; `policy` are the keys of an abstract policy, which
    replace those of the scenarios.
    """

    name: str = ""
    override: str = ""
    policy: dict[str, object] = {}

    def applied_to(self, scenario: Scenario) -> Scenario:
        """The scenario with this policy's keys instead of its own, for all of its agents."""
        if not self.policy:
            return scenario
        agents = {
            name: msgspec.structs.replace(agent, policy=self._replaced(agent.policy)) if agent.policy else agent
            for name, agent in scenario.agents.items()
        }
        return msgspec.structs.replace(scenario, policy=self._replaced(scenario.policy), agents=agents)

    def _replaced(self, policy: Policy) -> Policy:
        return msgspec.structs.replace(policy, **self.policy)


def load_config(path: Path) -> ConfigChoice:
    """The configuration in a file: a TOML file with nothing but a [policy] is abstract, any other a subject's own.

    ConfigError when there is no such file, or when a policy is wrong.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: expected a configuration that can be read, found: {error.strerror}") from error
    written = _policy_in(data)
    if written is None:
        return ConfigChoice(path.stem, override=str(path.absolute()))
    try:
        policy = msgspec.convert(written, Policy, dec_hook=decode_hook)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: [policy]: {error}; see docs/scenarios.md for its keys") from error
    return ConfigChoice(path.stem, policy={key: getattr(policy, key) for key in written})


def _policy_in(data: bytes) -> dict[str, object] | None:
    try:
        content = tomllib.loads(data.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        return None
    return content[POLICY_TABLE] if list(content) == [POLICY_TABLE] else None
