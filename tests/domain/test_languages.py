"""The language of a contact is read from its properties, and texts are looked up by it."""

from __future__ import annotations

from typing import Any

import pytest

from hogsend.domain.languages import (
    LANGUAGES,
    choose_language,
    list_fallbacks,
    normalize_language,
    resolve_language,
)


@pytest.mark.parametrize(
    ("written", "tag"),
    [
        ("de", "de"),
        ("PT-br", "pt-BR"),
        ("pt_BR.UTF-8", "pt-BR"),
        ("de_DE@euro", "de-DE"),
        (" fr ", "fr"),
        ("zh-hant-tw", "zh-Hant-TW"),
        ("es-419", "es-419"),
        ("de-DE-u-co-phonebk", "de-DE-u-co-phonebk"),
        ("", None),
        ("German", None),
        ("C", None),
        ("../../etc/passwd", None),
        ("de-", None),
        ("ﬁ", None),
        ("de-" + "a1234567-" * 5 + "b", None),
    ],
)
def test_a_language_is_written_the_usual_way(written: str, tag: str | None) -> None:
    assert normalize_language(written) == tag


@pytest.mark.parametrize(
    ("properties", "tag"),
    [
        ({"language": "de", "locale": "fr-FR"}, "de"),
        ({"locale": "pt_BR"}, "pt-BR"),
        ({"language": "Deutsch", "locale": "de-AT"}, "de-AT"),
        ({"language": None, "locale": 7}, None),
        ({"language": ["de"]}, None),
        ({}, None),
    ],
)
def test_the_property_language_counts_before_locale(
    properties: dict[str, Any], tag: str | None
) -> None:
    assert resolve_language(properties) == tag


def test_a_text_is_looked_up_from_the_most_specific_tag_to_the_language_alone() -> None:
    assert list_fallbacks("zh-Hant-TW") == ["zh-Hant-TW", "zh-Hant", "zh"]
    assert list_fallbacks("de-u-co") == ["de-u-co", "de"]
    assert choose_language("pt-BR", {"pt", "pt-BR"}) == "pt-BR"
    assert choose_language("pt-BR", LANGUAGES) == "pt"
    assert choose_language("ja", LANGUAGES) is None
    assert choose_language(None, LANGUAGES) is None
