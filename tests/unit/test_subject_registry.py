"""Finding an adapter by name, by path and by Python reference; refusing what is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from crashrig.subjects import registry
from crashrig.subjects.executable import ExecutableSubject
from crashrig.subjects.protocol import SubjectError


def test_every_name_opens_a_fresh_adapter_of_that_name() -> None:
    for name in registry.names():
        assert registry.open_subject(name).describe().name == name
        assert registry.open_subject(name) is not registry.open_subject(name)


def test_an_unknown_name_is_refused_with_the_nearest_and_the_list() -> None:
    with pytest.raises(SubjectError) as refusal:
        registry.open_subject("supervisor")
    assert "'supervisor'" in str(refusal.value)
    assert "Did you mean 'supervisord'?" in str(refusal.value)
    assert all(name in str(refusal.value) for name in registry.names())


def test_a_name_like_nothing_gets_no_guess() -> None:
    with pytest.raises(SubjectError, match=r"no subject named 'xyzzy'\. Known: holdfast"):
        registry.open_subject("xyzzy")
    with pytest.raises(SubjectError, match=r"no subject named ''\. Known: holdfast"):
        registry.open_subject("")


def test_a_file_without_a_slash_is_pointed_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "adapter").touch()
    with pytest.raises(SubjectError, match=r"write \./adapter to use it"):
        registry.open_subject("adapter")


def test_a_path_is_an_executable_adapter_wherever_one_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    subject = registry.open_subject("./adapter")
    assert isinstance(subject, ExecutableSubject)
    assert subject.path == str(tmp_path / "adapter")
    assert registry.canonical("./adapter") == str(tmp_path / "adapter")
    assert registry.canonical("holdfast") == "holdfast"
    assert registry.canonical("package.module:Adapter") == "package.module:Adapter"


def test_module_and_attribute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_adapter.py").write_text(
        "from crashrig.subjects.faulty.python import FaultyPythonSubject as Adapter\n"
        "not_callable = 3\n"
        "class Half:\n"
        "    def describe(self): ...\n"
        "    def render(self, job): ...\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert registry.open_subject("own_adapter:Adapter").describe().name == "faulty-python"
    with pytest.raises(SubjectError, match="module 'own_adapter' has no 'Missing'"):
        registry.open_subject("own_adapter:Missing")
    with pytest.raises(SubjectError, match="found 3"):
        registry.open_subject("own_adapter:not_callable")
    with pytest.raises(SubjectError, match="it has no operate, claims, close"):
        registry.open_subject("own_adapter:Half")
    with pytest.raises(SubjectError, match="no module named 'no_such_module'"):
        registry.open_subject("no_such_module:Adapter")
