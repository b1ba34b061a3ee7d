"""supervisord.conf: what a policy becomes, and how words survive its quoting."""

from __future__ import annotations

import configparser
import shlex
from pathlib import Path
from typing import Any

import live_subject
import msgspec
import pytest

from crashrig.quantities import Duration
from crashrig.subjects.protocol import Job, SubjectError
from crashrig.subjects.supervisord_config import full_names, ranks_of, render_config


def parse(text: str) -> configparser.RawConfigParser:
    """As supervisord does: `options.UnhosedConfigParser` is a RawConfigParser with these two settings."""
    parser = configparser.RawConfigParser(inline_comment_prefixes=(";", "#"), strict=False)
    parser.read_string(text)
    return parser


def program(**policy: Any) -> configparser.SectionProxy:
    return parse(render_config(live_subject.make_job("/job", "true", **policy)))["program:worker_1"]


def test_the_default_policy_at_a_pace_of_five() -> None:
    section = program(pace=5.0)
    assert section["autorestart"] == "unexpected"
    assert section["exitcodes"] == "0,100,143"
    assert (section["startsecs"], section["startretries"], section["stopwaitsecs"]) == ("1", "6", "2")
    assert (section["stopasgroup"], section["killasgroup"], section["stopsignal"]) == ("true", "true", "TERM")
    assert section["stdout_logfile"] == "NONE"


def test_seconds_are_rounded_up_to_whole_ones() -> None:
    assert program(pace=3.0)["stopwaitsecs"] == "4"
    assert program(pace=100.0)["stopwaitsecs"] == "1"
    assert program(pace=1.0, running_after=Duration(0))["startsecs"] == "1"


def test_restart_policies() -> None:
    assert program(restart="always")["autorestart"] == "true"
    never = program(restart="never")
    assert (never["autorestart"], never["startretries"]) == ("false", "0")


def test_codes_that_restart_are_not_expected() -> None:
    assert program(clean_codes=[0, 3, 143], restart_codes=[3], fatal_codes=[])["exitcodes"] == "0,143"


@pytest.mark.parametrize("script", ["a ;b", "a #b", "50%", "it's; # both", "say \"x\" ; 'y' # z", "  a  ", "tab\t;x"])
def test_any_one_line_command_survives(script: str) -> None:
    written = parse(render_config(live_subject.make_job("/job", script)))["program:worker_1"]["command"]
    assert shlex.split(written % {}) == ["/bin/sh", "-c", script]


def test_what_cannot_be_written_is_refused() -> None:
    with pytest.raises(SubjectError, match="line break"):
        render_config(live_subject.make_job("/job", "one\ntwo"))
    for value in ("both ' and \"", "a ;b", '"quoted"'):
        with pytest.raises(SubjectError, match="environment value"):
            render_config(with_environment({"VALUE": value}))


def with_environment(environment: dict[str, str]) -> Job:
    job = live_subject.make_job("/job", "true")
    agent = msgspec.structs.replace(job.agents[0], environment=environment)
    return msgspec.structs.replace(job, agents=[agent])


def test_the_environment_is_quoted_for_its_own_lexer() -> None:
    text = render_config(with_environment({"A": "x, y; 5%", "B": 'say "hi" now'}))
    assert parse(text)["program:worker_1"]["environment"] == 'A="x, y; 5%%",B=\'say "hi" now\''


def test_agents_that_need_others_stop_first() -> None:
    agents = live_subject.make_job("/job", "true", agents=3).agents
    chain = [agents[0], msgspec.structs.replace(agents[1], after=["worker_1"]), agents[2]]
    assert ranks_of(chain) == {"worker_1": 0, "worker_3": 0, "worker_2": 1}
    assert full_names(chain)["worker_2"] == "rank1:worker_2"
    parsed = parse(render_config(Job(directory="/job", agents=chain)))
    assert (parsed["group:rank1"]["programs"], parsed["group:rank1"]["priority"]) == ("worker_2", "1")
    with pytest.raises(SubjectError, match="wait for each other: worker_2"):
        ranks_of([chain[0], msgspec.structs.replace(agents[1], after=["worker_2"])])


def test_a_users_own_configuration(tmp_path: Path) -> None:
    own = tmp_path / "own.conf"
    own.write_text("[supervisord]\nminfds = 77\n[program:mine]\ncommand = mine\nstartretries = 9 ; more\n")
    job = msgspec.structs.replace(live_subject.make_job("/job", "true", agents=2), override=str(own))
    parsed = parse(render_config(job))
    assert parsed["supervisord"]["minfds"] == "77"
    assert [parsed[f"program:worker_{number}"]["startretries"] for number in (1, 2)] == ["9", "9"]
    assert parsed["program:worker_1"]["command"] == "/bin/sh -c true"
    own.write_text("[program:worker_2]\nautostart = false\n[program:other]\nautostart = maybe\n")
    parsed = parse(render_config(job))
    assert [parsed[f"program:worker_{number}"]["autostart"] for number in (1, 2)] == ["true", "false"]
    own.write_text("no section")
    with pytest.raises(SubjectError, match=r"own\.conf: not a configuration of supervisord"):
        render_config(job)
    own.write_text("[defaults]\ngrace = 5s\n[supervisord]\nminfds = 77\n[watcher:x]\ncmd = true\n")
    with pytest.raises(SubjectError, match=r"own\.conf: .*: unknown sections: defaults, watcher:x$"):
        render_config(job)
