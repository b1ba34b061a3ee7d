"""The layers of ARCHITECTURE.md, held by what the files import."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HOLDFAST = ROOT / "supervisor" / "holdfast"
CRASHRIG = ROOT / "chaos" / "crashrig"

CORE = {"events", "effects", "policy", "agent", "fleet"}
CORE_MAY_USE = {"collections", "collections.abc", "dataclasses", "enum", "heapq", "math", "random", "signal", "typing"}

# What loads the daemon's process: nothing of the command line, of configuration files, or of third parties.
COMMAND_SIDE = {"cli", "commands", "client", "config", "presets", "beat", "locations", "__main__", "toml_lines"}

CRASHRIG_DATA = {"scenario", "history", "verdict", "results", "units", "promises"}
MAY_IMPORT_HOLDFAST = ("simulation", "replay", "subjects/holdfast", "commands/replay")


def modules(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*.py") if "scenarios" not in path.relative_to(root).parts)


def imported(path: Path) -> set[str]:
    """Full names of the modules a file imports anywhere; `if TYPE_CHECKING` imports are for readers only."""
    found: set[str] = set()
    skipped: set[ast.AST] = set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            skipped.update(inner for statement in node.body for inner in ast.walk(statement))
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute here"
            module = node.module or ""
            found.add(module)
            if module.split(".")[0] in ("holdfast", "crashrig"):
                found.update(f"{module}.{alias.name}" for alias in node.names)
    return found


def top(names: set[str]) -> set[str]:
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize("name", sorted(CORE))
def test_the_core_is_pure(name: str) -> None:
    for used in imported(HOLDFAST / f"{name}.py"):
        if used.startswith("holdfast."):
            assert used.split(".")[1] in CORE, f"{name} imports {used}"
        else:
            assert used in CORE_MAY_USE, f"{name} imports {used}"


def test_holdfast_knows_nothing_of_crashrig() -> None:
    for path in modules(HOLDFAST):
        assert "crashrig" not in top(imported(path)), path


def test_only_the_command_side_of_holdfast_uses_other_packages() -> None:
    for path in modules(HOLDFAST):
        part = path.relative_to(HOLDFAST).parts[0].removesuffix(".py")
        foreign = top(imported(path)) - set(sys.stdlib_module_names) - {"holdfast"}
        assert not foreign or part in ("cli", "commands"), f"{path} imports {foreign}"


def reachable(entry: Path, package: Path) -> set[Path]:
    """Every file of `package` that `entry` can come to import, itself included; the package's own page left out."""
    todo, seen = [entry], {package / "__init__.py"}
    while todo:
        path = todo.pop()
        if path in seen:
            continue
        seen.add(path)
        for name in imported(path):
            first, *parts = name.split(".")
            for depth in range(1, len(parts) + 1) if first == package.name else ():
                place = package.joinpath(*parts[:depth])
                todo += [file for file in (place.with_suffix(".py"), place / "__init__.py") if file.exists()]
    return seen - {package / "__init__.py"}


def test_the_daemon_loads_neither_the_command_line_nor_configuration_files() -> None:
    for path in reachable(HOLDFAST / "daemon.py", HOLDFAST):
        part = path.relative_to(HOLDFAST).parts[0].removesuffix(".py")
        assert part not in COMMAND_SIDE, f"the daemon reaches {path}"
        heavy = {"click", "tomllib", "asyncio", "logging", "msgspec", "psutil", "argparse"} & top(imported(path))
        assert not heavy, f"{path} imports {heavy}"


def test_only_named_parts_of_crashrig_use_holdfast() -> None:
    for path in modules(CRASHRIG):
        where = path.relative_to(CRASHRIG).as_posix()
        if "holdfast" in top(imported(path)):
            assert where.startswith(MAY_IMPORT_HOLDFAST), f"{where} imports holdfast"


def test_the_judge_imports_nothing_of_the_judged() -> None:
    judges = [CRASHRIG / name for name in ("condition.py", "world.py", "checker.py")]
    for path in [*judges, *sorted((CRASHRIG / "monitors").glob("*.py"))]:
        for name in imported(path):
            assert not name.startswith(("holdfast", "crashrig.subjects", "crashrig.simulation", "crashrig.agents")), (
                f"{path.name} imports {name}"
            )


def test_data_modules_import_only_data() -> None:
    for name in CRASHRIG_DATA:
        for used in imported(CRASHRIG / f"{name}.py"):
            if used.startswith("crashrig."):
                assert used.split(".")[1] in CRASHRIG_DATA, f"{name} imports {used}"


def test_fake_agents_use_the_standard_library_only() -> None:
    """And of it, nothing slow: they start at every restart of every scenario."""
    slow = {"typing", "dataclasses", "re", "logging", "subprocess", "pathlib", "inspect", "asyncio", "threading"}
    agents = CRASHRIG / "agents"
    loaded = reachable(agents / "run.py", CRASHRIG) | set((agents / "behaviours").glob("*.py"))
    assert len(loaded) > 15
    for path in loaded:
        assert path.is_relative_to(agents), f"fake agents import {path}"
        names = top(imported(path))
        assert not names - set(sys.stdlib_module_names) - {"crashrig"}, path
        assert not slow & names, f"{path}: {slow & names} is slow to import"


def test_report_and_command_line_are_on_top() -> None:
    """Nothing below imports what only shows or drives."""
    upper = {"cli", "commands", "report"}
    for path in modules(CRASHRIG):
        part = path.relative_to(CRASHRIG).parts[0].removesuffix(".py")
        if part in {*upper, "__main__"}:
            continue
        for name in imported(path):
            if name.startswith("crashrig."):
                assert name.split(".")[1] not in upper, f"{path} imports {name}"


@pytest.mark.parametrize("root", [HOLDFAST, CRASHRIG], ids=["holdfast", "crashrig"])
def test_every_module_says_what_lives_there(root: Path) -> None:
    for path in modules(root):
        text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
        assert text, f"{path} has no docstring"
        assert len(text.splitlines()[0]) <= 120
