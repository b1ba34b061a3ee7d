"""What holdfast costs: from an agent's death to its replacement, in memory, and for many agents at once.

`python benchmarks/restart.py` prints a line for each. An agent writes CLOCK_MONOTONIC as its first act into a FIFO
that the benchmark reads, and is killed by the benchmark, which notes the time just before; so both ends are seen
from outside. The floor is a Python loop of a few lines that does nothing but wait for a pidfd and call
`posix_spawn`: no proof, no journal, no policy. The two take turns in the same run, so that a noisy machine is
noisy for both. The agent is a small C program, so that what is measured is not the agent; a C compiler is needed.
"""

from __future__ import annotations

import itertools
import json
import os
import platform
import selectors
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
KILLS = 100
TURNS = 5
FEW, MANY = 1, 100
BURST = 50
STORMING = 4
HANGS = 10
SECONDS_MAX = 20.0

PROGRAM = r"""
#include <fcntl.h>
#include <time.h>
#include <unistd.h>
struct first { long pid; struct timespec now; };
int main(int count, char **words) {
    struct first first;
    clock_gettime(CLOCK_MONOTONIC, &first.now);
    first.pid = getpid();
    int fifo = open(words[count - 1], O_WRONLY);
    if (write(fifo, &first, sizeof first) < 0) return 1;
    alarm(120);
    pause();
}
"""

FLOOR = """
import os, select, sys
epoll = select.epoll()
while True:
    pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, setsid=True)
    pidfd = os.pidfd_open(pid)
    epoll.register(pidfd, select.EPOLLIN)
    epoll.poll()
    os.waitpid(pid, 0)
    os.close(pidfd)
"""
RECORD_BYTES = 24


class Starts:
    """The FIFO into which agents write when they start."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "starts"
        os.mkfifo(self.path)
        self._descriptor = os.open(self.path, os.O_RDWR)  # also a writer: there is never an end
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._descriptor, selectors.EVENT_READ)

    def next(self) -> tuple[int, float]:
        """The pid of the next agent and when its first instruction was, in monotonic seconds."""
        if not self._selector.select(SECONDS_MAX):
            raise TimeoutError(f"no agent started within {SECONDS_MAX:g} s")
        record = os.read(self._descriptor, RECORD_BYTES)
        pid, seconds, nanoseconds = (int.from_bytes(record[at : at + 8], sys.byteorder) for at in (0, 8, 16))
        return pid, seconds + nanoseconds / 1e9

    def close(self) -> None:
        """Give the descriptors back."""
        self._selector.close()
        os.close(self._descriptor)


def compiled(directory: Path) -> str:
    """The agent's program; ends the benchmark without a C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise SystemExit("a C compiler is needed, for an agent that starts fast: install cc")
    source = directory / "agent.c"
    source.write_text(PROGRAM, encoding="utf-8")
    program = directory / "agent"
    subprocess.run([compiler, "-O2", "-static", "-o", str(program), str(source)], check=True)
    return str(program)


def holdfast(directory: Path, command: list[str], agents: int, more: str = "") -> subprocess.Popen[bytes]:
    """A supervisor with so many agents that restart at once, for ever, each proven empty before the next.

    `more` is added to the configuration, where the last agent's table is open.
    """
    lines = [
        f'state_directory = "{directory}"',
        "[defaults]",
        'backoff = ["0s"]',
        'max_restarts = "unlimited"',
        "burst = 1000000",
        'window = "1s"',
        'log = "null"',
    ]
    for number in range(agents):
        lines += [f"[agents.agent{number}]", f"command = {json.dumps(command)}"]
    directory.mkdir()
    file = directory / "holdfast.toml"
    file.write_text("\n".join([*lines, more]), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "supervisor")}
    return subprocess.Popen([sys.executable, "-m", "holdfast", "run", str(file)], env=environment)


def floor(command: list[str]) -> subprocess.Popen[bytes]:
    """The least that Python can do."""
    return subprocess.Popen([sys.executable, "-ISE", "-c", FLOOR, *command])


def latencies(starts: Starts) -> tuple[list[float], int]:
    """Kill the agent again and again: seconds from each kill to the replacement's first instruction; the last pid."""
    found: list[float] = []
    pid, _ = starts.next()
    for _ in range(KILLS):
        time.sleep(0.005)  # it is the next death that is measured, not how this one piles up on the last
        killed = time.monotonic()
        os.kill(pid, signal.SIGKILL)
        pid, started = starts.next()
        found.append(started - killed)
    return found, pid


def end(process: subprocess.Popen[bytes]) -> float:
    """Ask it to stop and wait; seconds until it is gone."""
    began = time.monotonic()
    process.terminate()
    process.wait(SECONDS_MAX)
    return time.monotonic() - began


def compare(directory: Path, starts: Starts, command: list[str]) -> tuple[list[float], list[float]]:
    """The latencies of holdfast and of the floor, taken in turns."""
    ours: list[float] = []
    least: list[float] = []
    for turn in range(TURNS):
        process = holdfast(directory / f"restart-{turn}", command, 1)
        ours += latencies(starts)[0]
        end(process)
        process = floor(command)
        found, last = latencies(starts)
        least += found
        end(process)
        os.kill(last, signal.SIGKILL)  # this loop stops nothing when it ends
    return ours, least


def in_a_storm(directory: Path, starts: Starts, command: list[str]) -> list[float]:
    """How late an agent is started after its back-off, in seconds, while others crash as fast as they can (RST-10)."""
    more = 'backoff = ["100ms"]\n'
    more += "".join(f'[agents.storm{number}]\ncommand = ["/bin/false"]\n' for number in range(STORMING))
    process = holdfast(directory / "storm", command, 1, more)
    found = [latency - 0.1 for latency in latencies(starts)[0]]
    end(process)
    return found


def hangs(directory: Path, starts: Starts, command: list[str]) -> list[float]:
    """How late an agent that never beats is replaced after its second of grace, in seconds (HB-5)."""
    beat = f'heartbeat = {{ file = "{directory}/no-beat", timeout = "1s", startup_grace = "1s" }}\n'
    process = holdfast(directory / "hang", command, 1, beat)
    times = [starts.next()[1] for _ in range(HANGS + 1)]
    end(process)
    return [after - before - 1.0 for before, after in itertools.pairwise(times)]


def resident(pid: int) -> float:
    """Resident memory in MiB (VmRSS)."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


def memory(directory: Path, starts: Starts, command: list[str], agents: int) -> float:
    """Resident memory of the supervisor, all agents having started and joined their groups."""
    process = holdfast(directory / f"memory-{agents}", command, agents)
    for _ in range(agents):
        starts.next()
    until_running(directory / f"memory-{agents}", agents)
    found = resident(process.pid)
    end(process)
    return found


def until_running(state: Path, agents: int) -> None:
    """Wait until the supervisor calls all of them running."""
    deadline = time.monotonic() + SECONDS_MAX
    while time.monotonic() < deadline:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(state / "control.sock"))
            client.sendall(b'{"command": "status"}\n')
            with client.makefile() as answer:
                views = json.loads(answer.readline())["agents"]
        if sum(view["state"] == "running" for view in views) == agents:
            return
        time.sleep(0.05)
    raise TimeoutError(f"not all of {agents} agents were running within {SECONDS_MAX:g} s")


def many(directory: Path, starts: Starts, command: list[str], turn: int) -> tuple[float, float]:
    """Seconds between the first and the last of `BURST` starts, and from SIGTERM to the supervisor's own end."""
    state = directory / f"many-{turn}"
    process = holdfast(state, command, BURST)
    times = sorted(starts.next()[1] for _ in range(BURST))
    until_running(state, BURST)
    return times[-1] - times[0], end(process)


def milliseconds(values: list[float]) -> tuple[float, float, float]:
    """Median, 95th percentile and maximum in milliseconds."""
    ordered = sorted(1000 * value for value in values)
    return statistics.median(ordered), ordered[int(0.95 * (len(ordered) - 1))], ordered[-1]


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as name:
        directory = Path(name)
        starts = Starts(directory)
        command = [compiled(directory), str(starts.path)]
        ours, least = compare(directory, starts, command)
        rss = [memory(directory, starts, command, agents) for agents in (FEW, MANY)]
        bursts = [many(directory, starts, command, turn) for turn in range(TURNS)]
        late = {"in a storm": in_a_storm(directory, starts, command), "hang": hangs(directory, starts, command)}
        starts.close()
    print(f"Python {platform.python_version()}, Linux {platform.release()}, {os.cpu_count()} CPUs")
    for what, values in (("holdfast", ours), ("floor", least)):
        median, tail, highest = milliseconds(values)
        print(f"kill -> next start, {what:8}  median {median:.3f} ms, p95 {tail:.3f} ms, max {highest:.3f} ms")
    for what, values in late.items():
        median, tail, highest = milliseconds(values)
        print(f"late start, {what:15}   median {median:.3f} ms, p95 {tail:.3f} ms, max {highest:.3f} ms")
    print(f"memory (VmRSS)  {FEW} agent {rss[0]:.1f} MiB, {MANY} agents {rss[1]:.1f} MiB")
    for what, values in zip(("start", "stop"), zip(*bursts, strict=True), strict=True):
        print(f"{BURST} agents, {what:5}  median {milliseconds(list(values))[0]:.1f} ms of {TURNS}")


if __name__ == "__main__":
    main()
