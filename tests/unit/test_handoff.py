"""Settings survive the way to the daemon."""

from __future__ import annotations

import pytest

from holdfast.config import load_command
from holdfast.handoff import from_json, to_json


def test_a_command_that_is_no_utf8_survives() -> None:
    settings = load_command(["x", b"\xff\xfe".decode("utf-8", "surrogateescape"), "ä\n"], environ={})
    text = to_json(settings)
    assert text.isascii()
    assert "\n" not in text
    assert from_json(text) == settings


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"agents": [{}]}', '{"agents": [], "unknown": 1}'])
def test_what_is_no_handoff_fails(text: str) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        from_json(text)
