"""Starting the command of an agent: its environment, its descriptors, its session; and saying why it failed.

`os.posix_spawn` starts it (a fraction of a millisecond; no fork of the interpreter). Only an agent with `user`
goes through `subprocess`, which is imported for it. The child gets a session of its own, an empty signal mask,
every signal at its default, /dev/null to read from, and the supervisor's directory unless it names another.
What happens to it afterwards is the business of `tree` and `driver`.
"""

import errno
import os
import signal
from collections.abc import Mapping
from typing import NoReturn

from holdfast.openfiles import OpenFiles
from holdfast.refusal import why
from holdfast.settings import AgentSettings

_NOT_HANDED_ON = frozenset(
    {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}
)
"""What the supervisor's own supervisor said to it alone (sd_notify(3), sd_listen_fds(3))."""

_LOG_MODE = 0o640
_LOG_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOCTTY | os.O_NONBLOCK
"""Opening a FIFO waits for a reader otherwise (fifo(7)): one agent's log would hold up all agents."""


class StartError(Exception):
    """A command could not be started; the text names the path and the cause (RST-8)."""


class Surroundings:
    """What all agents get from the supervisor: made once, shared by all launchers."""

    def __init__(self, environment: Mapping[str, str], agents: int) -> None:
        """`environment` is the supervisor's own, `agents` their number. Raises OSError without /dev/null."""
        self.environment = inherited(environment) | {"HOLDFAST_PID": str(os.getpid())}
        self.encoded = _encoded(self.environment)
        self.ignored_signals = _ignored_signals()
        self.files = OpenFiles(agents)
        self.null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self.null)


class Launcher:
    """Starts one agent again and again."""

    def __init__(self, settings: AgentSettings, surroundings: Surroundings) -> None:
        """Raises nothing: an agent that cannot be started is a crash and not a refusal."""
        self._settings = settings
        self._around = surroundings
        self._own = settings.environment | {"HOLDFAST_AGENT": settings.name}

    def start(self, generation: int, extra: Mapping[str, str], output: int | None = None) -> int:
        """Start a generation and return its pid.

        `extra` is added to its environment. `output` is a descriptor for stdout and stderr; without it they go
        where `log` says. Raises StartError.
        """
        added = {**self._own, **extra, "HOLDFAST_GENERATION": str(generation)}
        opened: list[int] = []
        try:
            target = output if output is not None else self._log(opened)
            if self._settings.user:
                return self._start_as_user(added, target)
            return self._spawn(added, target, opened)
        except (ValueError, OverflowError) as error:  # a NUL in a word, a number no user can have
            raise StartError(f"{self._settings.command[0]}: {error}") from None
        finally:
            for descriptor in opened:
                os.close(descriptor)

    def _spawn(self, added: dict[str, str], target: int | None, opened: list[int]) -> int:
        actions = [(os.POSIX_SPAWN_DUP2, self._around.null, 0)]
        if target is not None:
            actions += [(os.POSIX_SPAWN_DUP2, target, 1), (os.POSIX_SPAWN_DUP2, target, 2)]
        directory = self._settings.directory
        home = -1
        if directory:
            home = _open(".", os.O_PATH, opened)
            self._enter(directory)
        try:
            path = self._program()
            self._around.files.lower()
            return os.posix_spawn(
                path,
                self._settings.command,
                self._around.encoded | _encoded(added),
                file_actions=actions,
                setsid=True,
                setsigmask=(),
                setsigdef=self._around.ignored_signals,
            )
        except OSError as error:
            self._fail(path, error)
        finally:
            self._around.files.raise_again()
            if home >= 0:
                os.fchdir(home)

    def _start_as_user(self, added: dict[str, str], target: int | None) -> int:
        """The slow way, for an agent that is to run as somebody else."""
        from holdfast.otheruser import account, start

        try:
            who = account(self._settings.user)
        except LookupError as error:
            raise StartError(str(error)) from None
        environment = {**self._around.environment, **who.environment, **added}
        path = self._program()
        settings = self._settings
        try:
            pid = start(path, settings.command, environment, settings.directory, who, self._around.null, target)
        except OSError as error:
            if error.filename == settings.directory != "":
                self._fail_to_enter(error)
            self._fail(path, error)
        self._around.files.lower_for(pid)
        return pid

    def _program(self) -> str:
        """The path of the command; a name without a slash is looked up in the agent's PATH."""
        name = self._settings.command[0]
        if "/" in name:
            return name
        search = self._own.get("PATH") or self._around.environment.get("PATH", os.defpath)
        refused = ""
        for directory in search.split(":"):
            path = os.path.join(directory or ".", name)
            if os.path.isfile(path):
                if os.access(path, os.X_OK):
                    return path
                refused = refused or path
        if refused:
            return refused  # starting it says why not
        raise StartError(f"{name}: no such command in PATH ({search})")

    def _log(self, opened: list[int]) -> int | None:
        match self._settings.log:
            case "inherit":
                return None
            case "null":
                return self._around.null
            case path:
                return open_log(path, opened)

    def _enter(self, directory: str) -> None:
        try:
            os.chdir(directory)
        except OSError as error:
            self._fail_to_enter(error)

    def _fail_to_enter(self, error: OSError) -> NoReturn:
        raise StartError(f"working directory {self._settings.directory}: {error.strerror}") from None

    def _fail(self, path: str, error: OSError) -> NoReturn:
        raise StartError(why(path, error, self._settings.user)) from None


def inherited(environment: Mapping[str, str]) -> dict[str, str]:
    """What agents get of the supervisor's environment: all but what was meant for the supervisor itself."""
    return {
        name: value
        for name, value in environment.items()
        if name not in _NOT_HANDED_ON and not name.startswith("HOLDFAST_")
    }


def _encoded(environment: Mapping[str, str]) -> dict[bytes, bytes]:
    """As the kernel takes it; done once for what is the same at every start."""
    return {os.fsencode(name): os.fsencode(value) for name, value in environment.items()}


def open_log(path: str, opened: list[int]) -> int:
    """A log file to append to, made when it is missing; raises StartError, also for a FIFO that nobody reads."""
    descriptor = _open(path, _LOG_FLAGS, opened, "log file ")
    os.set_blocking(descriptor, True)  # only the opening must not wait
    return descriptor


def _open(path: str, flags: int, opened: list[int], what: str = "") -> int:
    try:
        descriptor = os.open(path, flags | os.O_CLOEXEC, _LOG_MODE)
    except OSError as error:
        cause = "nobody reads this FIFO" if error.errno == errno.ENXIO else error.strerror
        raise StartError(f"{what}{path}: {cause}") from None
    opened.append(descriptor)
    return descriptor


def _ignored_signals() -> list[int]:
    """What exec would leave ignored: Python ignores SIGPIPE and SIGXFSZ, nohup ignores SIGHUP, and so on."""
    return [number for number in signal.valid_signals() if signal.getsignal(number) is signal.SIG_IGN]
