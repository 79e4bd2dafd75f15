"""Templates as they are written, with other text in place of what Jinja replaces."""

from __future__ import annotations

import re

# An expression that is not closed reaches to the end, so that the patterns take linear time.
_EXPRESSION = re.compile(r"\{\{.*?(?:\}\}|\Z)", re.DOTALL)
_STATEMENT = re.compile(r"\{%.*?(?:%\}|\Z)|\{#.*?(?:#\}|\Z)", re.DOTALL)
_NOT_A_LINE_BREAK = re.compile(r"[^\n]")


def hide_jinja(source: str) -> str:
    """Return a template with other text, of the same length, in place of what Jinja replaces."""
    without_values = _EXPRESSION.sub(lambda match: _NOT_A_LINE_BREAK.sub("x", match[0]), source)
    return _STATEMENT.sub(lambda match: _NOT_A_LINE_BREAK.sub(" ", match[0]), without_values)
