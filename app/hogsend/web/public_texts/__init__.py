"""The texts of the public pages, in each language of `domain.languages.LANGUAGES`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from ...domain.languages import (
    DEFAULT_LANGUAGE,
    LANGUAGES,
    choose_language,
    normalize_language,
    resolve_language,
)
from . import de, en, es, fr, it, nl, pt
from .texts import PublicTexts

__all__ = ["TEXTS_BY_LANGUAGE", "PublicTexts", "select_language", "translate_sentence"]

TEXTS_BY_LANGUAGE: Mapping[str, PublicTexts] = {
    "en": en.TEXTS,
    "de": de.TEXTS,
    "fr": fr.TEXTS,
    "es": es.TEXTS,
    "pt": pt.TEXTS,
    "nl": nl.TEXTS,
    "it": it.TEXTS,
}
_FIELDS_BY_ENGLISH = {
    getattr(en.TEXTS, field.name): field.name
    for field in fields(PublicTexts)
    if field.type == "str"
}


def select_language(properties: Mapping[str, Any], accepted: list[str]) -> str:
    """Return the language of a public page: the contact's, else the browser's, else English.

    Args:
        properties: the contact's properties; empty when nobody is known.
        accepted: the languages of the browser, the preferred one first.
    """
    tags = [resolve_language(properties), *map(normalize_language, accepted)]
    chosen = (choose_language(tag, LANGUAGES) for tag in tags)
    return next(filter(None, chosen), DEFAULT_LANGUAGE)


def translate_sentence(sentence: str, language: str) -> str | None:
    """Return an English sentence of an error in a language; None if it is no public text."""
    name = _FIELDS_BY_ENGLISH.get(sentence)
    if name is None:
        return sentence if language == DEFAULT_LANGUAGE else None
    return getattr(TEXTS_BY_LANGUAGE[language], name)
