"""The names of the files in `emails/`: which mail they belong to, and in which language."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from ..domain.languages import normalize_language
from .front_matter import InvalidTemplate

# The kinds of files that a mail is made of; files of other kinds can be attached or shown.
BODIES: Final = (".html", ".mjml")
SUFFIXES: Final = (*BODIES, ".txt")
# Files with these endings are taken for templates with a wrong name, not for attachments.
MISTAKEN_SUFFIXES: Final = (".htm", ".xhtml", ".md", ".markdown", ".j2", ".jinja", ".jinja2")
_KEY = re.compile(r"[a-z0-9][a-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class TemplateFile:
    """A file of a mail.

    Args:
        name: the file's name.
        key: the mail's key; empty for a layout or a part, whose name begins with `_`.
        language: the language of a translation, as a tag of BCP 47; None for the base file.
        suffix: `.html`, `.mjml` or `.txt`.
    """

    name: str
    key: str
    language: str | None
    suffix: str

    @property
    def is_body(self) -> bool:
        """Whether it is a mail, or the translation of a mail."""
        return bool(self.key) and self.suffix in BODIES


def parse_file_name(name: str, names: Collection[str]) -> TemplateFile:
    """Return what a file of `emails/` is.

    `welcome.de.html` is a translation if there is `welcome.html` or `welcome.mjml`, and otherwise a
    mail with the key `welcome.de`.

    Args:
        name: the file's name, which ends in one of `SUFFIXES`.
        names: the names of all files in the folder.
    """
    stem, _, suffix = name.rpartition(".")
    if name.startswith("_"):
        return TemplateFile(name, "", None, f".{suffix}")
    base, _, ending = stem.rpartition(".")
    language = normalize_language(ending) if len(ending.partition("-")[0]) == 2 else None
    if base and language and any(f"{base}{kind}" in names for kind in BODIES):
        return TemplateFile(name, base, language, f".{suffix}")
    return TemplateFile(name, stem, None, f".{suffix}")


def check_file(file: TemplateFile, names: Collection[str]) -> None:
    """Raise if a file has a name that no template or part can have.

    Raises:
        InvalidTemplate: the name, with what to do.
    """
    if file.suffix in MISTAKEN_SUFFIXES:
        raise InvalidTemplate(0, f"A template cannot end in {file.suffix!r}.", "Name it .html.")
    if file.key and not _KEY.fullmatch(file.key):
        base, _, ending = file.key.rpartition(".")
        if base and normalize_language(ending) and _KEY.fullmatch(base):
            raise InvalidTemplate(
                0,
                f"There is no {base}.html in emails/ that this is a translation of.",
                "Write the mail in its base language first.",
            )
        raise InvalidTemplate(
            0,
            f"{file.key!r} cannot be a template's key.",
            "Use lower-case letters, digits, dots, hyphens and underscores.",
        )
    stem = file.name.removesuffix(file.suffix)
    bodies = [f"{stem}{kind}" for kind in BODIES if f"{stem}{kind}" in names]
    if file.key and file.suffix == ".txt" and not bodies:
        raise InvalidTemplate(
            0, f"There is no {stem}.html in emails/.", "A mail needs its HTML as well."
        )
    if file.is_body and len(bodies) > 1:
        raise InvalidTemplate(
            0, f"There are {' and '.join(bodies)} for one mail.", "Keep one of them."
        )
