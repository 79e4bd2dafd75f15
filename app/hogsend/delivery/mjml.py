"""Converts MJML to HTML with `mrml`."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .markup import find_html_tokens, parse_attributes
from .mjml_check import find_mjml_problem

# mrml writes the values of attributes as Rust writes text for programmers, so these characters
# would become escapes such as `\u{200d}`. A mark stands for each of them until mrml is done.
_ESCAPED = re.compile(r"[^\x20-\x5b\x5d-\x7e]")
_LINE_BREAKS = str.maketrans("\t\r\n", "   ")
_MARKED = re.compile(r"hs7(q*+)(?:([0-9a-f]++)z)?")
# The name that mrml gives to the whole mail repeats its title, which may have a value.
_LABEL = re.compile(r'<div aria-label="[^"]*" (?=aria-roledescription="email")')
_POSITION = re.compile(r"at position (\d++)(?::\d++)?\Z")


class InvalidMjml(ValueError):
    """MJML that cannot be converted.

    Args:
        line: the line in the converted text, from 1.
        problem: what is wrong, one sentence.
        remedy: what to do about it, one sentence; may be empty.
    """

    def __init__(self, line: int, problem: str, remedy: str = "") -> None:
        super().__init__(f"line {line} of the MJML: {problem}")
        self.line, self.problem, self.remedy = line, problem, remedy


def convert_mjml(markup: str, language: str) -> str:
    """Return MJML as HTML.

    Args:
        markup: the MJML, without includes.
        language: the language of a mail whose `<mjml>` names none.

    Raises:
        InvalidMjml: the markup is not valid MJML.
    """
    # Only authors of MJML need it.
    import mrml

    # The text itself may have what looks like a mark, so the marks have one more letter then.
    length = max((len(match[1]) for match in _MARKED.finditer(markup)), default=-1) + 1
    mark = "hs7" + "q" * length
    # Without fonts of mrml's own: it would load those that styles name from Google's servers.
    options = mrml.RenderOptions(fonts={})
    try:
        output = mrml.to_html(_mark_characters(markup.strip(), mark), None, options)
    except OSError as error:
        raise _explain(markup, str(error)) from None
    html = _LABEL.sub("<div ", output.content, count=1)
    html = html.replace(' lang="und"', f' lang="{language}"')

    def restore(match: re.Match[str]) -> str:
        is_mark = len(match[1]) == length and match[2]
        return chr(int(match[2], 16)) if is_mark else match[0]

    return _MARKED.sub(restore, html)


def _mark_characters(markup: str, mark: str) -> str:
    """Return MJML with marks for the characters in attributes that mrml cannot write."""
    pieces: list[str] = []
    position = 0
    for tag in find_html_tokens(markup):
        if tag.attributes_span[0] == tag.attributes_span[1]:
            continue
        source = markup[slice(*tag.attributes_span)]
        if _ESCAPED.search(source) is None and "'" not in source:
            continue
        for attribute in parse_attributes(markup, tag).values():
            written = markup[attribute.start : attribute.end].translate(_LINE_BREAKS)
            if attribute.quote == "'":
                written = written.replace('"', "&quot;")
            pieces += (markup[position : attribute.start], _replace(written, mark))
            position = attribute.end
    pieces.append(markup[position:])
    return "".join(pieces)


def _replace(text: str, mark: str) -> str:
    return _ESCAPED.sub(lambda match: f"{mark}{ord(match[0]):x}z", text)


def _explain(markup: str, message: str) -> InvalidMjml:
    """Return the error of mrml with its line, which mrml itself rarely says."""
    problem = find_mjml_problem(markup)
    if problem is not None:
        return InvalidMjml(*problem)
    match = _POSITION.search(message)
    line = markup.count("\n", 0, int(match[1])) + 1 if match else 1
    text = message.partition(" in root template")[0]
    return InvalidMjml(line, f"It cannot be read: {text}.", "Compare it with the MJML documents.")


def replace_includes(source: str, names: Iterable[str]) -> str:
    """Return the source of a template with Jinja's includes in place of `<mj-include>`.

    So the included file has the same variables. Line numbers stay.

    Args:
        source: the source of an MJML template.
        names: the files that can be included.
    """
    known = set(names)
    pieces: list[str] = []
    position = 0
    for tag in find_html_tokens(source):
        if tag.name != "mj-include":
            continue
        by_name = parse_attributes(source, tag)
        path = by_name["path"].value if "path" in by_name else ""
        name = path.removeprefix("./")
        if name not in known and f"{name}.mjml" in known:
            name = f"{name}.mjml"
        kind = by_name["type"].value if "type" in by_name else "mjml"
        include = f'{{% include "{name}" %}}'
        if kind == "css":
            is_inline = "css-inline" in by_name and by_name["css-inline"].value == "inline"
            attribute = ' inline="inline"' if is_inline else ""
            include = f"<mj-style{attribute}>{include}</mj-style>"
        elif kind == "html":
            include = f"<mj-raw>{include}</mj-raw>"
        lines = "\n" * source.count("\n", tag.start, tag.end)
        pieces += (source[position : tag.start], include, lines)
        position = tag.end
    text = "".join(pieces) + source[position:]
    return text.replace("</mj-include>", "") if pieces else text
