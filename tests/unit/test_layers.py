"""The layers of ARCHITECTURE.md, held by what the files import: the tables there are read here."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HOLDFAST = ROOT / "supervisor" / "holdfast"
CRASHRIG = ROOT / "chaos" / "crashrig"

CORE_MAY_USE = {"collections", "collections.abc", "dataclasses", "enum", "heapq", "math", "random", "signal", "typing"}

# Names of both packages that are no module of a layer: the package itself, and `python -m`.
OF_NO_LAYER = {"__init__", "__main__"}

JUDGE_MAY_USE = {*CORE_MAY_USE, "__future__", "ast", "bisect", "difflib", "functools", "itertools", "operator", "re"}
JUDGE_MAY_USE |= {"msgspec"}

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


def tables() -> dict[str, list[tuple[str, set[str]]]]:
    """The rows of each program's table, from top to bottom: the layer's name and its modules."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").partition("## The layers")[2]
    sections = re.split(r"^##+ (.*)$", text, flags=re.MULTILINE)
    found = {}
    for title, body in zip(sections[1::2], sections[2::2], strict=True):
        rows = [line.split("|")[1:3] for line in body.splitlines() if line.startswith("|")][2:]
        if rows:
            found[title] = [(name.strip(), set(re.findall(r"`(\w+)`", modules))) for name, modules in rows]
    return found


LAYERS = tables()
CORE = dict(LAYERS["holdfast"])["core"]
COMMAND_SIDE = dict(LAYERS["holdfast"])["command side"] | {"beat"}
JUDGES = dict(LAYERS["crashrig"])["judging"]
SIDES = [pytest.param(root, id=root.name) for root in (HOLDFAST, CRASHRIG)]


def part_of(path: Path, root: Path) -> str:
    """The module or package directly below `root` that a file belongs to."""
    return path.relative_to(root).parts[0].removesuffix(".py")


def parts_used(path: Path, root: Path) -> set[str]:
    """The modules and packages of its own program that a file imports, its own left out."""
    own = {name.split(".")[1] for name in imported(path) if name.startswith(f"{root.name}.")}
    there = {part_of(other, root) for other in modules(root)}
    return (own & there) - {part_of(path, root)}


def files_of(root: Path, parts: set[str]) -> Iterator[Path]:
    return (path for path in modules(root) if part_of(path, root) in parts)


@pytest.mark.parametrize("root", SIDES)
def test_every_module_stands_in_one_layer(root: Path) -> None:
    named = [module for _, row in LAYERS[root.name] for module in row]
    assert len(named) == len(set(named)), "a module stands in two layers"
    there = {part_of(path, root) for path in modules(root)} - OF_NO_LAYER
    assert there - set(named) == set(), "a module stands in no layer: give it a place in ARCHITECTURE.md"
    assert set(named) - there == set(), "ARCHITECTURE.md names a module that is not there"


@pytest.mark.parametrize("root", SIDES)
def test_no_module_imports_a_layer_above_its_own(root: Path) -> None:
    height = {module: place for place, (_, row) in enumerate(reversed(LAYERS[root.name])) for module in row}
    for path in modules(root):
        part = part_of(path, root)
        if part not in OF_NO_LAYER:
            above = {used for used in parts_used(path, root) if height[used] > height[part]}
            assert not above, f"{path} imports {above}, which is above it"


def test_the_core_is_pure() -> None:
    for path in files_of(HOLDFAST, CORE):
        for used in imported(path):
            if used.startswith("holdfast."):
                assert used.split(".")[1] in CORE, f"{path} imports {used}"
            else:
                assert used in CORE_MAY_USE, f"{path} imports {used}"


def test_the_judge_is_pure() -> None:
    """Not a file, not a clock, not a process: a verdict depends on the history alone."""
    for path in files_of(CRASHRIG, JUDGES):
        foreign = {used for used in imported(path) if not used.startswith("crashrig.")}
        assert not foreign - JUDGE_MAY_USE, f"{path} imports {foreign - JUDGE_MAY_USE}"


def test_the_command_side_loads_nothing_of_the_shell() -> None:
    shell = {module for name, row in LAYERS["holdfast"] if name in ("process", "shell") for module in row}
    for path in files_of(HOLDFAST, COMMAND_SIDE):
        assert not parts_used(path, HOLDFAST) & shell, f"{path} imports {parts_used(path, HOLDFAST) & shell}"


def test_the_writer_of_beats_stands_alone() -> None:
    assert not parts_used(HOLDFAST / "beat.py", HOLDFAST)


def test_holdfast_knows_nothing_of_crashrig() -> None:
    for path in modules(HOLDFAST):
        assert "crashrig" not in top(imported(path)), path


def test_only_the_command_side_of_holdfast_uses_other_packages() -> None:
    for path in modules(HOLDFAST):
        part = part_of(path, HOLDFAST)
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
        assert part_of(path, HOLDFAST) not in COMMAND_SIDE, f"the daemon reaches {path}"
        heavy = {"click", "tomllib", "asyncio", "logging", "msgspec", "psutil", "argparse"} & top(imported(path))
        assert not heavy, f"{path} imports {heavy}"


def test_only_named_parts_of_crashrig_use_holdfast() -> None:
    for path in modules(CRASHRIG):
        where = path.relative_to(CRASHRIG).as_posix()
        if "holdfast" in top(imported(path)):
            assert where.startswith(MAY_IMPORT_HOLDFAST), f"{where} imports holdfast"


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


@pytest.mark.parametrize("root", SIDES)
def test_every_module_says_what_lives_there(root: Path) -> None:
    for path in modules(root):
        text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
        assert text, f"{path} has no docstring"
        assert len(text.splitlines()[0]) <= 120
