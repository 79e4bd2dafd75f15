"""Public pages speak the recipient's language."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import fields
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest

from hogsend.clock import ManualClock
from hogsend.domain.languages import LANGUAGES
from hogsend.web.public_texts import TEXTS_BY_LANGUAGE, PublicTexts, select_language
from tests.site import FILES, Site, open_site
from tests.web.conftest import extract_text

AGENT = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Mobile/15E148"
TRANSLATED_LIST = """
deals = MailList(
    "deals", "Deals", "What is cheap.", names={"de": "Angebote"}, descriptions={"de": "Günstiges."}
)
"""


@pytest.fixture
async def site(sqlite_url: str, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Site]:
    files = {**FILES, "lists.py": FILES["lists.py"] + TRANSLATED_LIST}
    async with open_site(tmp_path, clock, files=files) as site:
        yield site


async def make_links(site: Site, user_id: str, **fields: object) -> tuple[str, str]:
    """Return the paths of the unsubscribe and the preference page of a new contact."""
    await site.event("seen", user_id, **fields)
    contact = await site.contact(user_id)
    tokens = site.runtime.tokens
    return (
        f"/u/{tokens.sign_unsubscribe(contact.id, 'news', None)}",
        f"/p/{tokens.sign_preferences(contact.id, 'news', None)}",
    )


async def read(site: Site, path: str, **headers: str) -> str:
    answer = await site.client.get(path, headers={"User-Agent": AGENT, **headers})
    return await answer.get_data(as_text=True)


def test_every_text_is_there_in_every_language() -> None:
    assert TEXTS_BY_LANGUAGE.keys() == LANGUAGES.keys()
    english = TEXTS_BY_LANGUAGE["en"]
    for language, texts in TEXTS_BY_LANGUAGE.items():
        assert len(set(texts.months)) == 12
        for field in fields(PublicTexts):
            text, original = getattr(texts, field.name), getattr(english, field.name)
            assert text, (language, field.name)
            if isinstance(text, str):
                names = re.findall(r"\{\w+\}", text)
                assert sorted(names) == sorted(re.findall(r"\{\w+\}", original)), field.name
                is_alike = field.name == "date" or language == "en" or len(text) < 12
                assert is_alike or text != original, (language, field.name)


def test_a_date_is_written_as_its_language_writes_it() -> None:
    day = date(2026, 3, 1)
    written = {lang: texts.format_date(day) for lang, texts in TEXTS_BY_LANGUAGE.items()}
    assert written == {
        "en": "1 March 2026",
        "de": "1. März 2026",
        "fr": "1 mars 2026",
        "es": "1 de marzo de 2026",
        "pt": "1 de março de 2026",
        "nl": "1 maart 2026",
        "it": "1 marzo 2026",
    }


@pytest.mark.parametrize(
    ("properties", "accepted", "language"),
    [
        ({"language": "de-AT"}, ["fr"], "de"),
        ({"locale": "pt_BR.UTF-8"}, [], "pt"),
        ({"language": "ja"}, ["nl-BE", "en"], "nl"),
        ({}, ["*", "it"], "it"),
        ({"language": 7}, ["xx"], "en"),
    ],
)
def test_the_contact_s_language_counts_before_the_browser_s(
    properties: dict[str, object], accepted: list[str], language: str
) -> None:
    assert select_language(properties, accepted) == language


async def test_the_pages_and_lists_are_in_the_contact_s_language(site: Site) -> None:
    links = await make_links(site, "ada", contactProperties={"language": "de-CH"})
    unsubscribe, preferences = [await read(site, link) for link in links]

    assert '<html lang="de">' in unsubscribe and "Abmelden?" in extract_text(unsubscribe)
    text = extract_text(preferences)
    assert "Wählen Sie aus, welche E-Mails" in text
    assert "Angebote" in text and "Günstiges." in text and "Deals" not in text
    assert "News" in text


async def test_a_contact_without_a_language_gets_that_of_the_browser(site: Site) -> None:
    unsubscribe, _ = await make_links(site, "ada")

    html = await read(site, unsubscribe, **{"Accept-Language": "fr-CA,fr;q=0.9,en;q=0.5"})

    assert '<html lang="fr">' in html and "Se désinscrire ?" in extract_text(html)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_an_error_is_in_the_browser_s_language(site: Site, language: str) -> None:
    texts = TEXTS_BY_LANGUAGE[language]

    html = await read(site, "/u/broken", **{"Accept-Language": language})

    text = extract_text(html)
    assert f'<html lang="{language}">' in html
    assert texts.link_is_incomplete in text and texts.open_from_email in text


async def test_the_dashboard_and_its_errors_stay_english(site: Site) -> None:
    html = await read(site, "/nothing", **{"Accept-Language": "de"})

    assert '<html lang="en">' in html


async def test_a_recipient_chooses_the_language_which_is_stored_as_a_property(site: Site) -> None:
    _, preferences = await make_links(site, "ada")
    html = await read(site, preferences)
    action = re.search(r'action="(/p/[^"]+)"', html)
    assert action is not None
    site.clock.set(site.clock.now() + timedelta(seconds=5))

    for chosen, status in (("es", 303), ("xx", 400)):
        answer = await site.client.post(
            action.group(1),
            data=urlencode({"action": "language", "language": chosen}),
            headers={"Content-Type": "application/x-www-form-urlencoded", "User-Agent": AGENT},
        )
        assert answer.status_code == status

    assert (await site.contact()).properties["language"] == "es"
    rows = await site.rows("SELECT name, source FROM events ORDER BY seq")
    assert rows[-1] == ("contact.updated", "recipient")
    html = await read(site, preferences)
    assert '<html lang="es">' in html and '<option value="es" lang="es" selected>' in html
