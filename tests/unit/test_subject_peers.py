"""Peers: what `crashrig peers` says and does, before anything is installed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from crashrig import peers
from crashrig.commands.peers import command


def crashrig_peers(*arguments: str) -> Result:
    return CliRunner().invoke(command, list(arguments))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CRASHRIG_PEERS", str(tmp_path / "peers"))
    return tmp_path / "peers" / "supervisord"


def test_where_peers_live(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRASHRIG_PEERS", "/somewhere")
    assert peers.directory() == Path("/somewhere")
    monkeypatch.delenv("CRASHRIG_PEERS")
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    assert peers.directory() == Path("/cache/crashrig/peers")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/me")
    assert peers.directory() == Path("/home/me/.cache/crashrig/peers")


def test_a_user_without_a_home_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CRASHRIG_PEERS", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.path.expanduser", lambda path: path)  # as for a user id that is nobody's
    assert peers.find("supervisord").problem.endswith("say where with CRASHRIG_PEERS")
    with pytest.raises(peers.PeerError, match="there is no home directory"):
        peers.install("supervisord", lambda _line: None)


@pytest.mark.usefixtures("home")
def test_what_is_not_here_is_listed_with_how_to_get_it() -> None:
    for arguments in ([], ["list"], ["doctor"]):
        result = crashrig_peers(*arguments)
        assert result.exit_code == 0
        assert "supervisord  not installed; get it with `crashrig peers install supervisord`" in result.output
    assert crashrig_peers("doctor", "supervisord").exit_code == 1
    line = json.loads(crashrig_peers("list", "--json").output)
    assert (line["name"], line["version"]) == ("supervisord", "")
    assert line["problem"]


@pytest.mark.parametrize("action", ["install", "doctor"])
def test_an_unknown_name_is_a_usage_error_with_the_nearest(action: str) -> None:
    result = crashrig_peers(action, "supervisor")
    assert result.exit_code == 2
    assert "no peer named 'supervisor'. Did you mean 'supervisord'?" in result.output


def test_a_place_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("CRASHRIG_PEERS", str(tmp_path / "file" / "peers"))
    result = crashrig_peers("install", "supervisord")
    assert result.exit_code == 1
    assert "choose another place with CRASHRIG_PEERS" in result.output
