"""`--config`: a policy for any subject, or a subject's own file; what is wrong with it is said with its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from crashrig_samples import CRASHES, scenario

from crashrig.driving.config_choice import ConfigChoice, ConfigError, load_config

if TYPE_CHECKING:
    from pathlib import Path


def written(directory: Path, text: str, name: str = "mine.toml") -> Path:
    path = directory / name
    path.write_text(text)
    return path


def test_a_file_with_only_a_policy_is_for_any_subject(tmp_path: Path) -> None:
    choice = load_config(written(tmp_path, '[policy]\ngrace = "3s"\nmax_restarts = 2'))
    assert (choice.name, choice.override) == ("mine", "")
    changed = choice.applied_to(scenario()).policy
    assert (changed.grace, changed.max_restarts) == (3.0, 2)
    assert changed.backoff == scenario().policy.backoff


def test_it_applies_to_agents_with_a_policy_of_their_own(tmp_path: Path) -> None:
    own = scenario(CRASHES + '[agents.other]\nbehaviour = [{ wait = "1s" }]\npolicy = { grace = "1s", jitter = 0.5 }')
    choice = load_config(written(tmp_path, '[policy]\ngrace = "3s"'))
    policy = choice.applied_to(own).agents["other"].policy
    assert policy is not None
    assert (policy.grace, policy.jitter) == (3.0, 0.5)


@pytest.mark.parametrize(
    ("text", "name"),
    [('[policy]\ngrace = "3s"\n[agents.x]\n', "own.toml"), ("[supervisord]\nnodaemon=true", "s.conf"), ("\xff", "bin")],
)
def test_anything_else_is_the_subject_s_own(tmp_path: Path, text: str, name: str) -> None:
    path = written(tmp_path, text, name)
    assert load_config(path) == ConfigChoice(path.stem, override=str(path))


def test_a_policy_that_is_wrong_is_refused_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"mine\.toml: \[policy\]: .*grase"):
        load_config(written(tmp_path, '[policy]\ngrase = "3s"'))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no\.toml: expected a configuration that can be read"):
        load_config(tmp_path / "no.toml")
