"""Text of people and authors as one line, for the headers of a mail."""

from __future__ import annotations

import re

# Every character that breaks or indents a line, with the spaces around it. A no-break space is a
# part of the text, as in `10 €`, so it stays.
_WHITE_SPACE = re.compile("[ \t-\r\x1c-\x1f\x85\u2028\u2029]+")
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]")


def to_header_line(text: str) -> str:
    """Return a text as one line without control characters, as a header can carry it.

    White space with a tab or a line break becomes one space, and other control characters are
    left out. Nothing else changes, and white space at the ends goes.
    """
    if text.isprintable():
        return text.strip()
    return _WHITE_SPACE.sub(_collapse, _CONTROLS.sub("", text)).strip()


def _collapse(run: re.Match[str]) -> str:
    return " " if run[0].strip(" ") else run[0]
