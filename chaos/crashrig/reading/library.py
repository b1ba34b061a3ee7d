"""Find scenarios: the built-in ones by id, by glob or by folder, a user's own by path; then choose by tag and level.

The built-in ones are in the wheel beside crashrig's modules, in a checkout in `scenarios/`. What a file says is read by
`scenario_file`.
"""

from __future__ import annotations

from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from crashrig.reading.scenario_file import SUFFIXES, LoadedScenario, ScenarioError, load_scenario

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_NEAREST_MAX = 5
"""How many ids are named to somebody whose words match none."""


class NothingSelected(Exception):  # noqa: N818
    """No scenario matches; the text says what was searched, for what, and which ids are near."""


class Filters(msgspec.Struct, frozen=True, kw_only=True):
    """What a scenario must have to be chosen: one of the words of each kind; of a kind without words, anything."""

    tags: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    promises: tuple[str, ...] = ()

    def accept(self, loaded: LoadedScenario) -> bool:
        """Whether this scenario has what is wanted."""
        scenario = loaded.scenario
        return (
            (not self.tags or not {*self.tags}.isdisjoint(scenario.tags))
            and (not self.levels or scenario.level in self.levels)
            and (not self.promises or not {*self.promises}.isdisjoint(scenario.promises))
        )

    def __str__(self) -> str:
        kinds = {"tag": self.tags, "level": self.levels, "promise": self.promises}
        return " and ".join(f"{kind} {' or '.join(words)}" for kind, words in kinds.items() if words)


def builtin_root() -> Path:
    """The directory of the built-in scenarios; NothingSelected when this installation has none."""
    here = Path(__file__).resolve()
    for root in (here.parents[1] / "scenarios", here.parents[3] / "scenarios"):
        if root.is_dir():
            return root
    raise NothingSelected(f"no built-in scenarios: {here.parents[1] / 'scenarios'} is missing; give paths of your own")


def select(
    arguments: Sequence[str] = (), filters: Filters | None = None, root: Path | None = None
) -> list[LoadedScenario]:
    """The scenarios that the arguments name and the filters accept, in order of their ids.

    An argument is an id (`stop/kills_the_whole_tree`), a folder of ids (`stop`), a glob over ids (`*/kills_*`; `*`
    also matches `/`), or the path of a file or directory. Without arguments: all built-in ones. NothingSelected
    when an argument, or all of it, selects nothing; ScenarioError when a selected file is wrong.
    """
    filters = filters or Filters()
    loaded = load_all(find(arguments, root))
    chosen = [one for one in loaded if filters.accept(one)]
    if not chosen:
        raise NothingSelected(_nothing_accepted(loaded, filters))
    return chosen


def find(arguments: Sequence[str] = (), root: Path | None = None) -> dict[str, Path]:
    """Ids and paths of what the arguments name, in order of the ids; nothing is read."""
    finder = _Finder(root)
    if not arguments:
        found = finder.builtin()
        if not found:
            raise NothingSelected(f"no scenario in {finder.root()}")
        return found
    found, missing = {}, []
    for argument in arguments:
        matches = finder.matches(argument)
        found.update(matches)
        if not matches:
            missing.append(finder.missing(argument))
    if missing:
        raise NothingSelected("\n".join(missing))
    return dict(sorted(found.items()))


def load_all(paths: dict[str, Path]) -> list[LoadedScenario]:
    """Read all these files. ScenarioError carries what is wrong with any of them."""
    loaded, lines = [], []
    for id_, path in paths.items():
        try:
            loaded.append(load_scenario(path, id_))
        except ScenarioError as error:
            lines += error.lines
    if lines:
        raise ScenarioError(lines)
    return loaded


class _Finder:
    """Looks for one argument after the other; the built-in root is listed once, and only when it is needed."""

    def __init__(self, root: Path | None) -> None:
        self._root = root
        self._builtin: dict[str, Path] | None = None

    def root(self) -> Path:
        """The root that ids are relative to."""
        if self._root is None:
            self._root = builtin_root()
        return self._root

    def builtin(self) -> dict[str, Path]:
        """All scenarios under the root, by id."""
        if self._builtin is None:
            root = self.root()
            self._builtin = dict(sorted((_id(path, root), path) for path in _files(root)))
        return self._builtin

    def matches(self, argument: str) -> dict[str, Path]:
        """What one argument names: a path when it looks like one, else ids, else a path after all."""
        if _looks_like_a_path(argument):
            return self._by_path(argument)
        return self._by_id(argument) or (self._by_path(argument) if Path(argument).exists() else {})

    def _by_id(self, argument: str) -> dict[str, Path]:
        builtin = self.builtin()
        if argument in builtin:
            return {argument: builtin[argument]}
        folder = argument.rstrip("/") + "/"
        return {id_: path for id_, path in builtin.items() if fnmatchcase(id_, argument) or id_.startswith(folder)}

    def _by_path(self, argument: str) -> dict[str, Path]:
        path = Path(argument)
        paths = _files(path) if path.is_dir() else [path]
        return {self._id_of(one): one for one in paths}

    def _id_of(self, path: Path) -> str:
        """The id of a built-in scenario also when it is given as a path; else the path itself."""
        try:
            return _id(path.resolve(), self.root().resolve())
        except (ValueError, NothingSelected):
            return str(path)

    def missing(self, argument: str) -> str:
        """What to say of an argument that names nothing."""
        if Path(argument).is_dir():
            return f"{argument}: no scenario in this directory (no {' or '.join(SUFFIXES)} file)"
        near = get_close_matches(argument, self.builtin(), n=_NEAREST_MAX, cutoff=0.5)
        hint = f"; near: {', '.join(near)}" if near else "; crashrig list shows them all"
        return f"{argument}: no such scenario among the {len(self.builtin())} in {self.root()}{hint}"


def _looks_like_a_path(argument: str) -> bool:
    return argument.startswith((".", "/")) or argument.endswith(SUFFIXES)


def _files(directory: Path) -> list[Path]:
    """The scenario files under a directory, hidden ones left out, in a fixed order."""
    found = (path for suffix in SUFFIXES for path in directory.rglob(f"*{suffix}"))
    return sorted(path for path in found if not any(part.startswith(".") for part in path.relative_to(directory).parts))


def _id(path: Path, root: Path) -> str:
    return path.relative_to(root).with_suffix("").as_posix()


def _nothing_accepted(loaded: Iterable[LoadedScenario], filters: Filters) -> str:
    loaded = list(loaded)
    tags = sorted({tag for one in loaded for tag in one.scenario.tags})
    hint = f"; tags: {', '.join(tags) or 'none'}" if filters.tags else ""
    return f"none of {len(loaded)} scenarios has {filters}{hint}"
