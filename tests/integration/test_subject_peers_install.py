"""`crashrig peers install`, with a wheel made here instead of PyPI: no network is used."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from crashrig import peers
from crashrig.commands.peers import command

pytestmark = pytest.mark.real

PROGRAM = "import sys\nprint('4.3.0' if '--version' in sys.argv else sys.argv)\n"


def crashrig_peers(*arguments: str) -> Result:
    return CliRunner().invoke(command, list(arguments))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CRASHRIG_PEERS", str(tmp_path / "peers"))
    return tmp_path / "peers" / "supervisord"


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """pip looks here and nowhere else."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def make_wheel(folder: Path, program: str = PROGRAM) -> None:
    """A wheel that looks like supervisor 4.3.0 from outside."""
    metadata = "supervisor-4.3.0.dist-info"
    with zipfile.ZipFile(folder / "supervisor-4.3.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("supervisor/__init__.py", "")
        wheel.writestr("supervisor/supervisord.py", program)
        wheel.writestr(f"{metadata}/METADATA", "Metadata-Version: 2.1\nName: supervisor\nVersion: 4.3.0\n")
        wheel.writestr(f"{metadata}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{metadata}/RECORD", "")


def test_failed_installs_are_told_and_made_good(home: Path, wheels: Path) -> None:
    nothing_found = crashrig_peers("install", "supervisord")
    assert nothing_found.exit_code == 1
    assert "No matching distribution found for supervisor==4.3.0" in nothing_found.output
    assert "PIP_INDEX_URL" in nothing_found.output
    assert "half installed" in peers.find("supervisord").problem

    make_wheel(wheels, "raise SystemExit('broken in a new way')")
    broken = crashrig_peers("install", "supervisord")
    assert broken.exit_code == 1
    assert "removing what is left of another install" in broken.output
    assert "does not run" in broken.output
    doctor = crashrig_peers("doctor")
    assert (doctor.exit_code, "broken in a new way" in doctor.output) == (1, True)

    make_wheel(wheels)
    good = crashrig_peers("install", "supervisord")
    assert good.exit_code == 0, good.output
    assert (good.stdout, "supervisord 4.3.0 is ready" in good.stderr) == ("", True)
    assert crashrig_peers().output == f"supervisord  4.3.0 in {home}\n"
    assert crashrig_peers("doctor", "supervisord").exit_code == 0
    assert "is already here" in crashrig_peers("install", "supervisord").output

    (home / "bin" / "python").unlink()
    assert "its Python is gone" in peers.find("supervisord").problem
