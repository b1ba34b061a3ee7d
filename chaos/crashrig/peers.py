"""Supervisors to compare with that come from PyPI: where they are, how they get there, what is wrong with them.

Each lives in a virtual environment of its own, because their packages disagree with each other and with this
one (an import package called `supervisor`, for example). Adapters that drive them are in `subjects/`.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.metadata import distributions
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

PEERS_VARIABLE = "CRASHRIG_PEERS"
INSTALL_SECONDS_MAX = 300.0
PROBE_SECONDS_MAX = 20.0
COMPLETE = "crashrig-complete"  # written last: an environment without it is a half install
ERROR_LINES = 12


@dataclass(frozen=True, slots=True)
class Peer:
    """How to get one supervisor: pinned requirements, and the arguments of Python that print its version."""

    name: str
    what: str
    distribution: str
    requirements: tuple[str, ...]
    version_arguments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What there is of a peer on this machine. `problem` is empty when it can be used."""

    peer: Peer
    home: Path
    version: str = ""
    problem: str = ""

    @property
    def python(self) -> str:
        """The interpreter of its environment."""
        return str(self.home / "bin" / "python")


class PeerError(Exception):
    """A peer cannot be had or does not work; the text says what failed and what to do."""


PEERS = {
    "supervisord": Peer(
        name="supervisord",
        what="supervisord, the process control system of the Python world",
        distribution="supervisor",
        requirements=("supervisor==4.3.0",),
        version_arguments=("-I", "-m", "supervisor.supervisord", "--version"),
    ),
}


def directory() -> Path:
    """Where peers live: CRASHRIG_PEERS, else crashrig/peers in the user's cache directory.

    PeerError for a user who has neither (no HOME, no entry among the users).
    """
    chosen = os.environ.get(PEERS_VARIABLE)
    if chosen:
        return Path(chosen).absolute()
    cache = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(cache) if cache else Path.home() / ".cache") / "crashrig" / "peers"
    except RuntimeError as error:
        raise PeerError(
            f"there is no home directory to keep supervisors in; say where with {PEERS_VARIABLE}"
        ) from error


def peer(name: str) -> Peer:
    """The recipe of that name; PeerError with the nearest name and the list when there is none."""
    if name in PEERS:
        return PEERS[name]
    near = get_close_matches(name, PEERS, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise PeerError(f"no peer named {name!r}.{hint} Known: {', '.join(PEERS)}.")


def find(name: str) -> Found:
    """Look a peer up without starting anything; what is missing or half there is named in `problem`."""
    recipe = peer(name)
    try:
        home = directory() / name
    except PeerError as error:
        return Found(recipe, Path(), problem=str(error))
    if not home.exists():
        return Found(recipe, home, problem=f"not installed; get it with `crashrig peers install {name}`")
    if _pins(home) != recipe.requirements:
        return Found(
            recipe, home, problem=f"half installed or of another version; repair: `crashrig peers install {name}`"
        )
    if not os.access(home / "bin" / "python", os.X_OK):  # the Python it was made with is gone
        return Found(recipe, home, problem=f"its Python is gone; repair it with `crashrig peers install {name}`")
    return Found(recipe, home, version=_version(home, recipe.distribution))


def probe(name: str) -> Found:
    """As `find`, and really start the program to ask its version."""
    found = find(name)
    if found.problem:
        return found
    command = [found.python, *found.peer.version_arguments]
    try:
        answer = _run(command, PROBE_SECONDS_MAX).strip()
    except PeerError as error:
        return Found(found.peer, found.home, found.version, problem=str(error))
    return Found(found.peer, found.home, answer)


def install(name: str, say: Callable[[str], None]) -> Found:
    """Make the peer's environment, or leave it alone when it is there, complete and runs.

    Two installers wait for each other. `say` receives lines of progress. Raises PeerError.
    """
    recipe = peer(name)
    with _only_installer(name):
        found = probe(name)
        if not found.problem:
            say(f"{name} {found.version} is already here: {found.home}")
            return found
        _make(recipe, found.home, say)
        found = probe(name)
    if found.problem:
        raise PeerError(f"{name} was installed in {found.home} but does not run: {found.problem}")
    say(f"{name} {found.version} is ready: {found.home}")
    return found


def _make(recipe: Peer, home: Path, say: Callable[[str], None]) -> None:
    if home.exists():
        say(f"removing what is left of another install: {home}")
        shutil.rmtree(home)
    say(f"making a virtual environment: {home}")
    _run([sys.executable, "-m", "venv", str(home)], INSTALL_SECONDS_MAX, _venv_hint())
    say(f"installing {' '.join(recipe.requirements)} from PyPI")
    pip = [str(home / "bin" / "python"), "-I", "-m", "pip", "install", "--no-input", "--disable-pip-version-check"]
    _run([*pip, *recipe.requirements], INSTALL_SECONDS_MAX, _pip_hint())
    _mark_complete(home, recipe.requirements)


def _mark_complete(home: Path, requirements: Sequence[str]) -> None:
    temporary = home / f"{COMPLETE}.new"
    temporary.write_text("\n".join(requirements) + "\n")
    temporary.replace(home / COMPLETE)


def _pins(home: Path) -> tuple[str, ...]:
    try:
        return tuple((home / COMPLETE).read_text().split())
    except OSError:
        return ()


def _version(home: Path, distribution: str) -> str:
    folders = [str(path) for path in home.glob("lib/python*/site-packages")]
    return next((found.version for found in distributions(name=distribution, path=folders)), "")


@contextmanager
def _only_installer(name: str) -> Iterator[None]:
    try:
        directory().mkdir(parents=True, exist_ok=True)
        lock = (directory() / f"{name}.lock").open("w")
    except OSError as error:
        raise PeerError(
            f"cannot write {error.filename}: {error.strerror}; choose another place with {PEERS_VARIABLE}"
        ) from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _run(command: Sequence[str], seconds: float, hint: str = "") -> str:
    """Standard output of the command; PeerError with the end of its stderr when it fails or takes too long."""
    try:
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=seconds, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired as error:
        raise PeerError(f"`{' '.join(command)}` took more than {seconds:g} s{hint}") from error
    except OSError as error:
        raise PeerError(f"cannot run `{command[0]}`: {error.strerror}{hint}") from error
    if done.returncode != 0:
        said = "\n".join((done.stderr or done.stdout).strip().splitlines()[-ERROR_LINES:])
        raise PeerError(f"`{' '.join(command)}` ended with {done.returncode}:\n{said}{hint}")
    return done.stdout


def _venv_hint() -> str:
    return "\nSome systems package the venv module apart (Debian: python3-venv)."


def _pip_hint() -> str:
    return (
        "\nIs there a network? Behind a mirror set PIP_INDEX_URL; without any, put the wheel into a folder and set"
        "\nPIP_NO_INDEX=1 and PIP_FIND_LINKS=FOLDER, then install again."
    )
