"""What supervisord.conf says for a job: the policy in supervisord's own keys, each as near as it has one.

Keys and their meaning are those of its manual (supervisord.org/configuration.html). Text only: nothing is
started and nothing but a user's own configuration is read.
"""

from __future__ import annotations

import configparser
import math
import os
import pwd
import re
import resource
import shlex
from typing import TYPE_CHECKING

from crashrig.subjects.protocol import SubjectError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from crashrig.subjects.protocol import AgentJob, Job

SOCKET = "supervisor.sock"
LOG = "supervisord.log"
FILES_PER_AGENT = 4
FILES_BESIDE = 64
COMMENT = re.compile(r"(\s)([;#])")

SECTIONS = frozenset(
    {
        "supervisord", "supervisorctl", "unix_http_server", "inet_http_server", "include",
        "program", "group", "fcgi-program", "eventlistener", "rpcinterface",
    }
)  # fmt: skip
"""What a section of its manual is called, up to a colon: anything else is another program's file."""

NOT_KEPT = frozenset({"command", "directory", "environment", "numprocs", "process_name", "user"})
"""Keys of a user's [program:…] that belong to the scenario, not to the policy."""


def render_config(job: Job) -> str:
    """The text of supervisord.conf for this job."""
    override = _read_override(job.override)
    ranks = ranks_of(job.agents)
    sections = [
        ("unix_http_server", {"file": f"%(here)s/{SOCKET}", "chmod": "0700"}),
        (
            "rpcinterface:supervisor",
            {"supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"},
        ),
        ("supervisord", _daemon(len(job.agents)) | override.get("supervisord", {})),
    ]
    sections += [(f"program:{agent.name}", _program(agent) | _own_policy(override, agent.name)) for agent in job.agents]
    for rank in sorted(set(ranks.values())):
        members = ",".join(name for name, its in ranks.items() if its == rank)
        sections.append((f"group:rank{rank}", {"programs": members, "priority": str(rank)}))
    return "\n".join(_section(name, keys) for name, keys in sections)


def ranks_of(agents: Sequence[AgentJob]) -> dict[str, int]:
    """0 for agents that need no other, one more than what they need for the rest.

    A rank is a group with that priority: supervisord starts lower priorities first and stops higher ones
    first, one group after the other, all members of a group at once.
    """
    after = {agent.name: agent.after for agent in agents}
    ranks: dict[str, int] = {}
    while len(ranks) < len(after):
        ready = [name for name, needs in after.items() if name not in ranks and all(need in ranks for need in needs)]
        if not ready:
            raise SubjectError(f"supervisord: agents wait for each other: {', '.join(sorted(set(after) - set(ranks)))}")
        ranks |= {name: 1 + max((ranks[need] for need in after[name]), default=-1) for name in ready}
    return ranks


def full_names(agents: Sequence[AgentJob]) -> dict[str, str]:
    """What its own interface calls each agent: group and program."""
    return {name: f"rank{rank}:{name}" for name, rank in ranks_of(agents).items()}


def _section(name: str, keys: Mapping[str, str]) -> str:
    return "\n".join([f"[{name}]", *(f"{key} = {value}" for key, value in keys.items())]) + "\n"


def _daemon(agents: int) -> dict[str, str]:
    keys = {
        "nodaemon": "true",
        "logfile": f"%(here)s/{LOG}",
        "logfile_maxbytes": "0",  # a cell is short; a rotated log would lose what was said
        "pidfile": "%(here)s/supervisord.pid",
        "identifier": "crashrig",
        "minfds": str(_files(agents)),
        "minprocs": "1",  # it raises RLIMIT_NPROC to this and refuses to run where it may not
    }
    if os.geteuid() == 0:
        keys["user"] = pwd.getpwuid(0).pw_name  # says that root is meant; without it, it warns
    return keys


def _files(agents: int) -> int:
    """Descriptors for so many agents, within what this machine allows."""
    wanted = max(1024, FILES_BESIDE + FILES_PER_AGENT * agents)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)


def _program(agent: AgentJob) -> dict[str, str]:
    policy = agent.policy
    not_restarted = (set(policy.clean_codes) | set(policy.fatal_codes)) - set(policy.restart_codes)
    keys = {
        "command": _command(agent.command),
        "directory": _text(agent.directory),
        "autostart": "true",
        "autorestart": {"on-failure": "unexpected", "always": "true", "never": "false"}[policy.restart],
        "exitcodes": ",".join(map(str, sorted(not_restarted))),
        "startsecs": str(_whole_seconds(policy.running_after)),
        # a failed start is tried again even under autorestart = false: only no retries mean never
        "startretries": str(0 if policy.restart == "never" else policy.max_restarts),
        "stopsignal": "TERM",
        "stopwaitsecs": str(_whole_seconds(policy.grace)),
        "stopasgroup": "true",
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": "NONE",
    }
    if agent.environment:
        keys["environment"] = ",".join(f"{key}={_quoted(value)}" for key, value in agent.environment.items())
    if agent.user:
        keys["user"] = agent.user
    return keys


def _whole_seconds(seconds: float) -> int:
    """Rounded up, so that nothing is hurried; at least 1, because 0 means something else."""
    return max(1, math.ceil(seconds - 1e-6))


def _command(argv: list[str]) -> str:
    """A command line for its shlex; a blank before ; or # would begin a comment, so the quotes are parted there."""
    return COMMENT.sub(r"\1''\2", _text(shlex.join(argv)))


def _quoted(value: str) -> str:
    """A value for `environment`; its quotes are stripped and know no escapes."""
    quote = "'" if '"' in value else '"'
    if quote in value or value != value.strip("'\"") or COMMENT.search(value):
        raise SubjectError(f"supervisord: its configuration has no way to write the environment value {value!r}")
    return quote + _text(value) + quote


def _text(value: str) -> str:
    if "\n" in value or "\r" in value:
        raise SubjectError(f"supervisord: its configuration has no way to write a line break, found in {value!r}")
    return value.replace("%", "%%")


def _read_override(path: str) -> dict[str, dict[str, str]]:
    """The sections of a user's own configuration, as written."""
    if not path:
        return {}
    parser = configparser.RawConfigParser(inline_comment_prefixes=(";", "#"), strict=False)
    try:
        with open(path) as file:
            parser.read_file(file)
    except (OSError, configparser.Error, UnicodeDecodeError) as error:
        raise SubjectError(f"{path}: not a configuration of supervisord: {error}") from error
    unknown = [name for name in parser.sections() if name.partition(":")[0] not in SECTIONS]
    if unknown:
        raise SubjectError(f"{path}: not a configuration of supervisord: unknown sections: {', '.join(unknown)}")
    return {section: dict(parser[section]) for section in parser.sections()}


def _own_policy(override: Mapping[str, Mapping[str, str]], name: str) -> dict[str, str]:
    """What the user's file says for this agent: the section of its name, or the only one there is."""
    programs = {section: keys for section, keys in override.items() if section.startswith("program:")}
    only = next(iter(programs.values())) if len(programs) == 1 else {}
    chosen = programs.get(f"program:{name}", only)
    return {key: value for key, value in chosen.items() if key not in NOT_KEPT}
