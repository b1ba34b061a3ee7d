"""Making foreign text safe to show: control characters made visible, lengths bounded, markup escaped.

Scenario titles, reasons, exception texts and whatever an agent printed pass through here before they reach a
terminal, Markdown or XML. HTML is escaped by jinja2 and by the page itself.
"""

from __future__ import annotations

import re

# C0 and C1 controls, the separators U+2028/9 that some readers take for line ends, the marks that turn the
# direction of writing (they can make a text read as another one), lone surrogates, and what XML 1.0 forbids.
_INVISIBLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"
)
_MARKDOWN = re.compile(r"([\\`*_\[\]<>|~])")


def visible(text: str) -> str:
    """The text with every control character written out, so that it can neither act nor hide; keeps line ends."""
    return _INVISIBLE.sub(_written_out, text)


def one_line(text: str, limit: int = 300) -> str:
    """The text on one line, made visible, at most `limit` characters long."""
    line = visible(" ".join(text.split()))
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def markdown(text: str, limit: int = 300) -> str:
    """One line of text that Markdown shows as it is, in a table cell too."""
    line = _MARKDOWN.sub(r"\\\1", one_line(text, limit))
    return line.replace("@", "@\u200b")  # no notifications from what an agent printed


def code(text: str) -> str:
    """One line of Markdown code; the fence is longer than any run of backquotes inside."""
    line = one_line(text, 2000)
    longest = max((len(run) for run in re.findall("`+", line)), default=0)
    fence = "`" * (longest + 1)
    space = " " if line[:1] == "`" or line[-1:] == "`" or not line else ""
    return f"{fence}{space}{line}{space}{fence}"


def plural(count: int, noun: str) -> str:
    """A count with its noun: "1 scenario", "4 scenarios"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _written_out(match: re.Match[str]) -> str:
    character = match[0]
    if character in "\n\t":
        return character
    return f"\\x{ord(character):02x}" if ord(character) < 256 else f"\\u{ord(character):04x}"
