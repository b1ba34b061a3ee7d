"""crashrig list, show, validate and schema, as they are called."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from crashrig.cli import main
from crashrig.reading import library

GOOD = """
title    = "A crash is followed by a new start"
promises = ["RST-1", "RST-4"]
needs    = ["backoff"]
timeout  = "1m"
tags     = ["smoke"]
description = "The simplest case."
[agents.worker]
behaviour = [{ wait = "10s" }, { exit = 1 }]
[[fault]]
when = "worker.start#2 + 5s"
kill = { target = "worker" }
[[expect]]
eventually = "worker.starts == 2"
within = "12s"
[[xfail]]
subject = "supervisord"
reason = "restarts at once"
"""
BAD = GOOD.replace("within", "withn")


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two built-in scenarios, and a current directory of the user's own."""
    scenarios = tmp_path / "scenarios"
    for name in ("restart/after_crash.toml", "stop/other.toml"):
        (scenarios / name).parent.mkdir(parents=True)
        (scenarios / name).write_text(GOOD.replace("smoke", name.partition("/")[0]))
    (tmp_path / "here").mkdir()
    (tmp_path / "here/bad.toml").write_text(BAD)
    monkeypatch.setattr(library, "builtin_root", lambda: scenarios)
    monkeypatch.chdir(tmp_path / "here")
    return scenarios


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments, catch_exceptions=False)


def test_list_is_a_table_by_folder() -> None:
    result = run("list")
    assert result.exit_code == 0
    assert result.stdout == (
        "restart\n"
        "  restart/after_crash  must  RST-1, RST-4  simulated + real  A crash is followed by a new start\n"
        "\n"
        "stop\n"
        "  stop/other           must  RST-1, RST-4  simulated + real  A crash is followed by a new start\n"
    )
    assert result.stderr == "2 scenarios\n"


def test_list_as_json() -> None:
    (entry,) = json.loads(run("list", "--json", "--tag", "stop").stdout)
    assert (entry["id"], entry["promises"], entry["timeout"]) == ("stop/other", ["RST-1", "RST-4"], 60.0)


@pytest.mark.parametrize("arguments", [["--tag", "none"], ["--level", "may"], ["--promise", "HB-1"], ["stop/othr"]])
def test_an_empty_selection_ends_with_5(arguments: list[str]) -> None:
    result = run("list", *arguments)
    assert (result.exit_code, result.stdout) == (5, "")
    assert result.stderr


def test_list_of_a_wrong_file_ends_with_2() -> None:
    result = run("list", "./bad.toml")
    assert (result.exit_code, result.stdout) == (2, "")
    assert 'did you mean "within"?' in result.stderr


def test_an_unknown_option_value_is_a_usage_error() -> None:
    assert run("list", "--level", "shall").exit_code == 2


def test_show_says_it_in_words_and_then_as_it_is_written(root: Path) -> None:
    result = run("show", "restart/after_crash")
    path = root / "restart/after_crash.toml"
    words, _, text = result.stdout.partition(f"\nFile {path}\n\n")
    assert result.exit_code == 0
    assert text.strip() == path.read_text().strip()
    assert words == (
        "restart/after_crash\n"
        "A crash is followed by a new start\n"
        "\n"
        "The simplest case.\n"
        "\n"
        "must, simulated and real, at most 60 s, tags: restart\n"
        "\n"
        "Shows these promises\n"
        "  RST-1: a crashed agent is started again after its back-off\n"
        "  RST-4: the back-off is kept: never early, hardly late\n"
        "\n"
        "Needs a supervisor that\n"
        "  waits a configured list of delays between restarts (backoff)\n"
        "\n"
        "Is wanted of the supervisor\n"
        "  Restart after failures; wait the default back-off; give up after 6 restarts in a row; "
        "forget crashes after a run of 5 m; kill 10 s after SIGTERM.\n"
        "\n"
        "Agents\n"
        "  worker is quiet for 10 s, then exits with code 1.\n"
        "\n"
        "Faults\n"
        "  fault#1: at worker.start#2 + 5s, SIGKILL to worker.\n"
        "\n"
        "Expectations\n"
        "  1. at most 12 s after the start, worker.starts == 2.\n"
        "\n"
        "Known gaps\n"
        "  supervisord: restarts at once\n"
    )


def test_show_as_json_has_the_scenario_and_the_words() -> None:
    data = json.loads(run("show", "--json", "restart/after_crash").stdout)
    assert data["scenario"]["timeout"] == "60s"
    assert data["words"]["agents"] == ["worker is quiet for 10 s, then exits with code 1."]
    assert [one["id"] for one in json.loads(run("show", "--json", "*").stdout)] == ["restart/after_crash", "stop/other"]


def test_show_of_several() -> None:
    assert run("show", "*").stdout.count("\nFile ") == 2


def test_show_of_nothing_ends_with_5_and_the_nearest_id() -> None:
    result = run("show", "restart/aftercrash")
    assert result.exit_code == 5
    assert "near: restart/after_crash" in result.stderr


def test_validate_is_silent_on_success() -> None:
    result = run("validate")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "2 scenarios valid\n")


def test_validate_says_all_that_is_wrong_and_ends_with_2() -> None:
    result = run("validate", "./bad.toml", "./missing.toml")
    assert result.exit_code == 2
    assert result.stdout.splitlines() == [
        'bad.toml:15: $.expect[0].withn: expected a known key, found "withn"; did you mean "within"?',
        "missing.toml: expected a scenario file, found nothing of that name",
    ]
    assert result.stderr == "2 problems\n"


def test_validate_of_nothing_ends_with_5() -> None:
    assert run("validate", "nothing/*").exit_code == 5


def test_schema_prints_the_published_schema() -> None:
    published = Path(__file__).parents[2] / "docs/scenario.schema.json"
    assert run("schema").stdout == published.read_text(), "write it anew: crashrig schema > docs/scenario.schema.json"


def test_listing_loads_nothing_that_it_does_not_need() -> None:
    slow = ["jinja2", "rich", "jsonschema", "psutil", "asyncio", "multiprocessing"]
    code = (
        "import sys; from crashrig.cli import main\n"
        "try: main(['list'])\n"
        f"finally: print([name for name in {slow} if name in sys.modules], file=sys.stderr)"
    )
    source = str(Path(library.__file__).parents[1])
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, env={"PYTHONPATH": source}, check=True)
    assert result.stderr.splitlines()[-1] == "[]"
