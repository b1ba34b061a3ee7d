"""From a name or a path on the command line to an adapter.

Names stand in `BUILT_IN` and are imported only when they are asked for. Anything else is an adapter of the
user's: a path is an executable speaking JSON lines (`executable`), `module:attribute` is a Python callable that
returns a `Subject`.
"""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from crashrig.subjects.executable import ExecutableSubject
from crashrig.subjects.protocol import SubjectError

if TYPE_CHECKING:
    from collections.abc import Callable

    from crashrig.subjects.protocol import Subject

BUILT_IN = {
    "holdfast": "crashrig.subjects.holdfast:HoldfastSubject",
    "simulated": "crashrig.subjects.simulated:SimulatedSubject",
    "supervisord": "crashrig.subjects.supervisord:SupervisordSubject",
    "faulty-shell": "crashrig.subjects.faulty.shell:FaultyShellSubject",
    "faulty-python": "crashrig.subjects.faulty.python:FaultyPythonSubject",
}

METHODS = ("describe", "render", "operate", "claims", "close")


def names() -> list[str]:
    """The adapters that come with crashrig."""
    return list(BUILT_IN)


def canonical(name_or_path: str) -> str:
    """The same subject, written so that it means the same in any working directory: paths become absolute."""
    if _is_path(name_or_path):
        return str(Path(name_or_path).absolute())
    return name_or_path


def open_subject(name_or_path: str) -> Subject:
    """A fresh adapter, good for one cell.

    Raises SubjectError when there is no such name, file, module or attribute, saying what there is instead.
    """
    if name_or_path in BUILT_IN:
        return _load(BUILT_IN[name_or_path])
    if _is_path(name_or_path):
        return ExecutableSubject(canonical(name_or_path))
    if ":" in name_or_path:
        return _load(name_or_path)
    raise SubjectError(_unknown(name_or_path))


def _is_path(text: str) -> bool:
    return text not in BUILT_IN and "/" in text


def _load(reference: str) -> Subject:
    factory = _resolve(reference)
    subject = factory()
    missing = [method for method in METHODS if not callable(getattr(subject, method, None))]
    if missing:
        raise SubjectError(f"{reference}: not an adapter: it has no {', '.join(missing)}; see docs/subjects.md")
    return subject


def _resolve(reference: str) -> Callable[[], Subject]:
    module_name, _, attribute = reference.partition(":")
    try:
        value = getattr(import_module(module_name), attribute)
    except ModuleNotFoundError as error:
        raise SubjectError(
            f"{reference}: no module named {error.name!r}; is its folder in PYTHONPATH, or the package installed?"
        ) from error
    except AttributeError as error:
        raise SubjectError(f"{reference}: module {module_name!r} has no {attribute!r}") from error
    if not callable(value):
        raise SubjectError(f"{reference}: expected something to call that returns an adapter, found {value!r}")
    factory: Callable[[], Subject] = value
    return factory


def _unknown(name: str) -> str:
    near = get_close_matches(name, BUILT_IN, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    here = f" There is a file of that name: write ./{name} to use it as an adapter." if Path(name).is_file() else ""
    return (
        f"no subject named {name!r}.{hint}{here} Known: {', '.join(BUILT_IN)}; "
        "or a path with a slash (an executable adapter), or module:attribute (a Python adapter)."
    )
