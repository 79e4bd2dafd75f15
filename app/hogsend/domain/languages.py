"""The languages of contacts, of templates and of the public pages, as tags of BCP 47."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

# The languages that Hogsend's own texts are in: the public pages, and the footer of the layout that
# comes with it. Each has the name that its speakers call it by.
LANGUAGES: Final[Mapping[str, str]] = {
    "en": "English",
    "de": "Deutsch",
    "fr": "Français",
    "es": "Español",
    "pt": "Português",
    "nl": "Nederlands",
    "it": "Italiano",
}
DEFAULT_LANGUAGE: Final = "en"
# The properties of a contact that name a language; the first that has a usable value counts.
LANGUAGE_PROPERTIES: Final = ("language", "locale")

# RFC 5646 §4.4.1 recommends room for 35 characters.
_MAX_LENGTH = 35


def normalize_language(text: str) -> str | None:
    """Return a language tag in its usual form, such as `pt-BR` for `PT_br.UTF-8`; None if invalid.

    Args:
        text: a tag of BCP 47, or the name of a locale as operating systems write it.
    """
    subtags = text.strip().partition(".")[0].partition("@")[0].replace("_", "-").split("-")
    language = subtags[0].lower()
    if not (language.isascii() and language.isalpha() and 2 <= len(language) <= 3):
        return None
    normalized = [language]
    for subtag in subtags[1:]:
        if not (subtag.isascii() and subtag.isalnum() and len(subtag) <= 8):
            return None
        is_after_singleton = len(normalized[-1]) == 1
        if len(subtag) == 2 and subtag.isalpha() and not is_after_singleton:
            normalized.append(subtag.upper())
        elif len(subtag) == 4 and subtag.isalpha() and len(normalized) == 1:
            normalized.append(subtag.title())
        else:
            normalized.append(subtag.lower())
    tag = "-".join(normalized)
    return tag if len(tag) <= _MAX_LENGTH else None


def resolve_language(properties: Mapping[str, Any]) -> str | None:
    """Return the language of a contact as a tag such as `pt-BR`; None if the properties name none.

    The property `language` counts before `locale`; a value that is no language tag does not count.

    Args:
        properties: the contact's properties.
    """
    for name in LANGUAGE_PROPERTIES:
        value = properties.get(name)
        if isinstance(value, str) and (tag := normalize_language(value)) is not None:
            return tag
    return None


def list_fallbacks(tag: str) -> list[str]:
    """Return the tags under which texts for a language are looked up, most specific first.

    This is the lookup of RFC 4647 §3.4: `zh-Hant-TW` is looked up as `zh-Hant-TW`, `zh-Hant`, `zh`.

    Args:
        tag: a tag from `normalize_language`.
    """
    subtags = tag.split("-")
    ends = range(len(subtags), 0, -1)
    return ["-".join(subtags[:end]) for end in ends if end == 1 or len(subtags[end - 1]) > 1]


def choose_language(tag: str | None, available: Collection[str]) -> str | None:
    """Return the language to use for someone among those that there are texts in; None if no text.

    Args:
        tag: the person's language from `resolve_language`; None if it is unknown.
        available: the tags that there are texts in, such as `LANGUAGES`.
    """
    if tag is None:
        return None
    return next((fallback for fallback in list_fallbacks(tag) if fallback in available), None)
