"""docs/configuration.md tells every key, default, meaning and promise that the tables in the code hold."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from holdfast.config import keys
from holdfast.config.presets import PRESETS
from holdfast.config.problems import show

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"


def _key_table(table: Mapping[str, keys.Key]) -> str:
    rows = ["| key | value | default | meaning | promise |", "|---|---|---|---|---|"]
    for name, key in table.items():
        form = key.kind.form.replace("|", "\\|")
        default = f"`{key.default}`" if key.default else "none"
        rows.append(f"| `{name}` | {form} | {default} | {key.meaning} | {key.promise} |")
    return "\n".join(rows)


def _written(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {show(inner)}" for name, inner in value.items()) + " }"
    return show(value)


def _presets() -> str:
    parts = []
    for name, preset in PRESETS.items():
        lines = [f"**`{name}`**: {preset.meaning}", "", "```toml"]
        lines += ["[fleet]", *(f"{key} = {_written(value)}" for key, value in preset.fleet.items()), "", "[defaults]"]
        lines += [f"{key} = {_written(value)}" for key, value in preset.agent.items()]
        parts.append("\n".join([*lines, "```"]))
    return "\n\n".join(parts)


def _generated(page: str) -> str:
    """The page with every generated part made anew."""

    def fill(match: re.Match[str]) -> str:
        name = match["name"]
        content = _presets() if name == "presets" else _key_table(getattr(keys, name.removeprefix("table ")))
        return f"<!-- {name} -->\n{content}\n<!-- end -->"

    return re.sub(r"<!-- (?P<name>table \w+|presets) -->\n.*?<!-- end -->", fill, page, flags=re.DOTALL)


def test_the_page_is_as_the_tables_are(golden: Callable[[Path, str], None]) -> None:
    golden(PAGE, _generated(PAGE.read_text(encoding="utf-8")))


@pytest.mark.parametrize("table", ["TOP", "FLEET", "AGENT", "POLICY", "HEARTBEAT"])
def test_every_table_has_its_place(table: str) -> None:
    assert f"<!-- table {table} -->" in PAGE.read_text(encoding="utf-8")
