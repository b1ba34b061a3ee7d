"""Adapters that are executables: the conversation, and every way in which it can go wrong."""

from __future__ import annotations

import json
import time
from pathlib import Path

import live_subject
import pytest

from crashrig.quantities import Duration
from crashrig.subjects.executable import ExecutableSubject
from crashrig.subjects.protocol import SubjectError, UnsupportedError

pytestmark = pytest.mark.real


def adapter(tmp_path: Path, script: str, answer_seconds: float = 5.0) -> ExecutableSubject:
    """An adapter written in shell; `read question` takes the next line."""
    path = tmp_path / "adapter"
    path.write_text("#!/bin/sh\n" + script)
    path.chmod(0o755)
    return ExecutableSubject(str(path), answer_seconds)


def refusal(subject: ExecutableSubject) -> str:
    """What describing it raises, and the adapter gone afterwards."""
    with pytest.raises(SubjectError) as raised:
        subject.describe()
    assert not isinstance(raised.value, UnsupportedError)
    subject.close()
    return str(raised.value).replace(subject.path, "PATH")


def test_one_process_answers_all_questions(tmp_path: Path) -> None:
    subject = adapter(
        tmp_path,
        """
        while read -r question; do
            echo "$question" >> asked
            case $question in
            *'"describe"'*) echo '{"name": "mine", "version": "'$$'", "capabilities": ["claims"], "more": 1}' ;;
            *'"render"'*) echo '{"argv": ["/bin/true"]}' ;;
            *'"operate"'*) echo '{}' ;;
            *'"claims"'*) echo '{"claims": {"worker_1": "running"}}' ;;
            esac
        done
        echo ended >> asked
        """.replace("asked", str(tmp_path / "asked")),
    )
    description = subject.describe()
    assert (description.name, description.capabilities, description.max_pace) == ("mine", ["claims"], 1000.0)
    assert subject.render(live_subject.make_job("/job", "true", heartbeat_timeout=Duration(90))).argv == ["/bin/true"]
    subject.operate("stop", "worker_1")
    assert subject.claims() == {"worker_1": "running"}
    assert subject.describe().version == description.version
    subject.close()
    subject.close()
    described, rendered, operated, *_, last = (tmp_path / "asked").read_text().splitlines()
    assert json.loads(described) == {"do": "describe"}
    assert json.loads(operated) == {"do": "operate", "command": "stop", "agent": "worker_1"}
    assert last == "ended"
    policy = json.loads(rendered)["job"]["agents"][0]["policy"]
    assert (policy["grace"], policy["restart"], policy["burst"]) == (1.0, "on-failure", None)
    assert policy["backoff"] == [0.1, 0.2, 0.4, 0.8, 1.6]


def test_unsupported_by_word_and_by_exit_code(tmp_path: Path) -> None:
    script = """
        read -r question; echo '{"unsupported": "no such thing"}'
        read -r question; echo 'no idea' >&2; exit 127
        """
    subject = adapter(tmp_path, script)
    with pytest.raises(UnsupportedError, match="no such thing"):
        subject.operate("stop", "worker")
    with pytest.raises(UnsupportedError, match=r"exit 127.*\n?.*no idea"):
        subject.operate("stop", "worker")
    subject.close()
    subject = adapter(tmp_path, script)
    assert "no such thing" in subject.describe().unavailable
    assert subject.claims() == {}
    subject.close()


def test_an_error_is_passed_on(tmp_path: Path) -> None:
    assert refusal(adapter(tmp_path, 'read q; echo \'{"error": "not today"}\'')) == "PATH: describe: not today"


def test_an_ending_is_told_with_what_it_said(tmp_path: Path) -> None:
    assert (
        refusal(adapter(tmp_path, "echo first >&2; echo oh no >&2; exit 3"))
        == "PATH: describe: ended with 3 instead of answering; on stderr it said:\nfirst\noh no"
    )
    assert refusal(adapter(tmp_path, "exit 0")).endswith("on stderr it said nothing")


def test_an_answer_that_is_none(tmp_path: Path) -> None:
    assert "the line was 'what?'" in refusal(adapter(tmp_path, "read q; echo 'what?'"))
    assert "required field `version`" in refusal(adapter(tmp_path, 'read q; echo \'{"name": "x"}\''))
    unknown = '{"name": "x", "version": "1", "capabilities": ["flying", "claims"]}'
    assert "unknown capabilities flying; known: backoff" in refusal(adapter(tmp_path, f"read q; echo '{unknown}'"))


def test_an_empty_command_is_refused(tmp_path: Path) -> None:
    subject = adapter(tmp_path, "read q; echo '{\"argv\": []}'")
    with pytest.raises(SubjectError, match="expected a command in `argv`"):
        subject.render(live_subject.make_job("/job", "true"))
    subject.close()


def test_silence_ends_at_the_time_limit(tmp_path: Path) -> None:
    began = time.monotonic()
    message = refusal(adapter(tmp_path, "echo busy >&2; exec sleep 20", answer_seconds=0.3))
    assert message == "PATH: describe: no answer within 0.3 s; on stderr it said:\nbusy"
    assert time.monotonic() - began < 5.0


def test_an_adapter_that_never_reads_does_not_block(tmp_path: Path) -> None:
    subject = adapter(tmp_path, "exec sleep 20", answer_seconds=0.3)
    with pytest.raises(SubjectError, match=r"does not read its input within 0\.3 s"):
        subject.render(live_subject.make_job("/job", "x" * 300_000))
    subject.close()


def test_an_endless_answer_is_cut(tmp_path: Path) -> None:
    assert "answer longer than" in refusal(adapter(tmp_path, "read q; exec tr '\\0' x < /dev/zero"))


def test_what_cannot_be_started(tmp_path: Path) -> None:
    missing = ExecutableSubject(str(tmp_path / "none"))
    assert refusal(missing) == "PATH: no such file"
    plain = tmp_path / "plain"
    plain.touch()
    assert refusal(ExecutableSubject(str(plain))) == "PATH: not an executable file (chmod +x?)"
    assert "not an executable file" in refusal(ExecutableSubject(str(tmp_path)))
    path = tmp_path / "adapter"
    path.write_text("#!/no/such/interpreter\n")
    path.chmod(0o755)
    assert "cannot run PATH" in refusal(ExecutableSubject(str(path)))
