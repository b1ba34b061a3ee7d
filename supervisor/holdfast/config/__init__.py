"""Configuration: TOML, `HOLDFAST_` variables and flags become one frozen `Settings`, or one `ConfigError`.

`load` and `load_command` are the whole interface. The value of each key comes from the last of: preset,
[defaults], [agents.NAME], environment, flags. All problems of all sources are reported together, and nothing is
started (PRE-3). The daemon imports nothing of this package: it is given the finished settings (`handoff`).
"""

from __future__ import annotations

from holdfast.config.loading import load, load_command, state_directory_of
from holdfast.config.problems import ConfigError, Problem

__all__ = ["ConfigError", "Problem", "load", "load_command", "state_directory_of"]
