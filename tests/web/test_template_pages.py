"""The page of a template: its preview with other values and languages, and its mistakes."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote

import pytest

from hogsend.delivery.render import Renderer
from hogsend.delivery.templates import Templates
from hogsend.process.runtime import Runtime
from hogsend.store import link_totals
from tests.web.conftest import Browser, extract_text

PAGE = "/templates/offer"
OFFER = """---
subject: Your offer
sample: {"order": "A-1042"}
---
<html><head><style>p { color: #111 }
@media (prefers-color-scheme: dark) { p { color: #eee } }</style>
</head><body><p>Order {{ props.order }}</p><a href="https://www.example.com">Shop</a></body></html>
"""


@pytest.fixture(autouse=True)
async def offer(runtime: Runtime) -> None:
    """A mail in two languages."""
    emails = runtime.settings.journeys / "emails"
    (emails / "offer.html").write_text(OFFER)
    (emails / "offer.de.html").write_text(OFFER.replace("Order", "Auftrag"))
    content = runtime.content
    templates = Templates.load(runtime.settings.journeys, content.registry.lists)
    renderer = Renderer(
        templates,
        content.registry.lists,
        runtime.tokens,
        base_url=runtime.settings.base_url,
        sender=runtime.settings.sender,
    )
    await runtime.use(replace(content, templates=templates, renderer=renderer))


async def test_a_preview_has_the_values_and_the_language_of_the_form(owner: Browser) -> None:
    props = quote('{"order": "B-77 <b>"}').replace("%20", "+")
    html = await owner.read(f"{PAGE}?props={props}&view=phone")
    assert "{&#34;order&#34;: &#34;B-77 &lt;b&gt;&#34;}</textarea>" in html
    assert f'src="{PAGE}/html?props={props}"' in html
    assert f'href="{PAGE}?props={props}&amp;view=dark"' in html
    assert "Order B-77 &lt;b&gt;" in await owner.read(f"{PAGE}/html?props={props}")
    assert "Order A-1042" in await owner.read(f"{PAGE}/html")

    german = await owner.read(f"{PAGE}?language=de")
    assert "<option selected>de</option>" in german and "A-1042" in german
    assert "Auftrag A-1042" in await owner.read(f"{PAGE}/html?language=de")


async def test_a_preview_in_dark_colours_follows_the_dark_styles_of_the_mail(
    owner: Browser,
) -> None:
    page = await owner.read(f"{PAGE}?view=dark")
    assert f'src="{PAGE}/html?view=dark"' in page and 'class="mail dark"' in page
    light, dark = await owner.read(f"{PAGE}/html"), await owner.read(f"{PAGE}/html?view=dark")
    assert "prefers-color-scheme: dark" in light
    assert "prefers-color-scheme: dark" not in dark and "@media (min-width: 0)" in dark


async def test_values_that_are_no_json_object_are_named_and_kept(owner: Browser) -> None:
    for text, problem in (
        ("{", "not valid JSON"),
        ("[1]", "not a JSON object"),
        ("[" * 3000, "nested too deeply"),
    ):
        html = await owner.read(f"{PAGE}?props={quote(text)}")
        assert problem in extract_text(html) and f">{text[:3999]}" in html
    assert "is not a language" in extract_text(await owner.read(f"{PAGE}?language=x;y"))
    assert (await owner.get(f"{PAGE}/html?props=%7B")).status_code == 400


async def test_the_page_shows_how_often_each_link_was_clicked(
    owner: Browser, runtime: Runtime
) -> None:
    clicks = [("offer", "https://shop.com/a", True), ("offer", "https://shop.com/a", True)]
    clicks += [("offer", "https://shop.com/a", False), ("offer", "", False)]
    async with runtime.database.transaction() as tx:
        await tx.apply([link_totals.add(clicks, {})])
    text = extract_text(await owner.read(PAGE))
    assert "https://shop.com/a 2 1" in text and "Other links 0 1" in text
    assert "By machines" not in extract_text(await owner.read("/templates/activation-welcome"))


async def test_the_page_lists_what_the_checks_find(owner: Browser) -> None:
    text = extract_text(await owner.read(PAGE))
    assert "A link leads to a placeholder. https://www.example.com" in text
    assert "There is no preheader" in text and "emails/offer.de.html" in text
