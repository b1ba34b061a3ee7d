"""Process events of the kernel: what its messages say, and how it is noticed that some are missing (CHS-3)."""

from __future__ import annotations

import struct

from crashrig.observers.kernel import EXEC, EXIT, FORK, NOBODY, Decoder
from crashrig.observers.process_event import ProcessEvent

ACK = 0


def message(what: int, *data: int, number: int = 0, processor: int = 0, t: int = 5) -> bytes:
    """A message as linux/cn_proc.h and linux/connector.h describe it."""
    event = struct.pack("=IIQ", what, processor, t) + struct.pack("=6I", *data, *[0] * (6 - len(data)))
    connector = struct.pack("=IIIIHH", 1, 1, number, 0, len(event), 0) + event
    return struct.pack("=IHHII", 16 + len(connector), 3, 0, 0, 0) + connector


def decoded(*messages: bytes) -> list[ProcessEvent]:
    decoder = Decoder()
    return [event for one in messages for event in decoder.decode(one)]


def test_a_fork_names_parent_and_child() -> None:
    assert decoded(message(FORK, 10, 10, 20, 20)) == [ProcessEvent(5, "fork", 20, 10)]


def test_a_fork_by_any_thread_is_its_process_s() -> None:
    assert decoded(message(FORK, 11, 10, 20, 20)) == [ProcessEvent(5, "fork", 20, 10)]


def test_an_exec_and_an_exit_with_its_wait_status() -> None:
    events = decoded(message(EXEC, 20, 20, number=0), message(EXIT, 20, 20, 3 << 8, 17, number=1))
    assert events == [ProcessEvent(5, "exec", 20), ProcessEvent(5, "exit", 20, status=3 << 8)]


def test_threads_are_no_processes() -> None:
    assert decoded(message(FORK, 10, 10, 21, 20, number=0), message(EXIT, 21, 20, 0, 17, number=1)) == []


def test_a_gap_in_a_processor_s_numbers_is_a_loss() -> None:
    events = decoded(message(EXEC, 1, 1, number=7), message(EXEC, 2, 2, number=10))
    assert [event.what for event in events] == ["exec", "lost", "exec"]
    assert "2 process events of processor 0" in events[1].text


def test_every_processor_counts_for_itself() -> None:
    first = message(EXEC, 1, 1, number=7, processor=0)
    other = message(EXEC, 2, 2, number=400, processor=1)
    second = message(EXEC, 3, 3, number=8, processor=0)
    assert [event.what for event in decoded(first, other, second)] == ["exec", "exec", "exec"]


def test_answers_to_others_who_subscribe_are_counted_and_are_no_events() -> None:
    events = decoded(message(EXEC, 1, 1, number=7), message(ACK, number=8), message(EXEC, 2, 2, number=9))
    assert [event.what for event in events] == ["exec", "exec"]


def test_answers_without_a_number_are_passed_over() -> None:
    events = decoded(
        message(EXEC, 1, 1, number=7), message(ACK, number=99, processor=NOBODY), message(EXEC, 2, 2, number=8)
    )
    assert [event.what for event in events] == ["exec", "exec"]


def test_numbers_begin_again_at_zero() -> None:
    events = decoded(message(EXEC, 1, 1, number=0xFFFFFFFF), message(EXEC, 2, 2, number=0))
    assert [event.what for event in events] == ["exec", "exec"]


def test_a_message_that_is_too_short_is_passed_over() -> None:
    assert decoded(message(EXEC, 1, 1)[:40]) == []
