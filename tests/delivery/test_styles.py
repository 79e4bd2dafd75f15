"""Style sheets: moved into elements where that says the same, kept where it does not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright

from hogsend.delivery.style_check import find_dropped_styles
from hogsend.delivery.styles import NestedTooDeeply, StyleInliner
from tests.web.test_in_the_browser import ARGUMENTS

XHTML = (
    '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" '
    '"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">'
)
NEWSLETTER = """
<html><head><title>News</title>
<style type="text/css">
@font-face { font-family: Brand; src: url(https://example.com/brand.woff2) }
body { color: rgb(10, 10, 10) }
h1, h1:focus { color: rgb(200, 0, 0); background: url("data:image/png;base64,a;b{}c") }
a { color: rgb(0, 0, 200); text-decoration: none }
a:hover { color: rgb(0, 200, 0); text-decoration: underline }
[data-ogsc] h1 { color: rgb(250, 250, 250) }
.ExternalClass, .ExternalClass * { line-height: 100% }
#outlook a { padding: 0 }
u + .body .narrow { width: 100% !important }
a[x-apple-data-detectors] { color: inherit !important }
.narrow { width: 500px }
@media only screen and (max-width: 600px) { .narrow { width: 300px !important } }
@media (prefers-color-scheme: dark) { h1 { color: rgb(255, 200, 200) !important } }
</style>
<style media="only screen and (max-width: 480px)">h1 { color: rgb(0, 99, 0) !important }</style>
<style media="print">p { display: none !important }</style>
<style media="all">p { padding: 3px }</style>
</head><body class="body">
<h1>News</h1><p class="narrow">Read <a href="https://example.com/">more</a></p></body></html>
"""


@pytest.fixture(scope="module")
def inliner() -> StyleInliner:
    return StyleInliner()


def find_sheets(markup: str) -> list[str]:
    """Return the style sheets of a mail, each with its tag."""
    return re.findall(r"<style.*?</style>", markup, re.DOTALL)


@pytest.mark.parametrize(
    "rule",
    [
        "a:hover { color: red }",
        "a:visited { color: red }",
        "p::first-letter { color: red }",
        "[data-ogsc] p { color: red }",
        "[data-ogsc] .x, [data-ogsb] .x { color: red }",
        "a[x-apple-data-detectors] { color: red }",
        ".ExternalClass * { color: red }",
        "#outlook a { color: red }",
        "u + .body p { color: red }",
        "#MessageViewBody p { color: red }",
        "@media (max-width: 480px) { p { color: red } }",
        "@media screen { p { color: red } }",
        "@font-face { font-family: Brand; src: url(https://example.com/b.woff2) }",
        '@import url("https://example.com/fonts.css");',
        "@supports (display: grid) { p { color: red } }",
        "@keyframes blink { from { color: red } to { color: blue } }",
        "@namespace svg url(http://www.w3.org/2000/svg);",
    ],
)
def test_a_rule_that_cannot_be_inlined_stays_in_the_head(inliner: StyleInliner, rule: str):
    inlined = inliner.inline(
        f"<html><head><style>{rule} p {{ top: 1px }}</style></head>"
        "<body><p>x <a href=x>y</a></p></body></html>"
    )

    (sheet,) = find_sheets(inlined)
    assert inlined.index(sheet) < inlined.index("</head>")
    assert re.sub(r"[\s;]|!important", "", rule) in re.sub(r"[\s;]|!important", "", sheet)
    assert "top" not in sheet
    assert '<p style="top: 1px;">' in inlined and "color" not in inlined[inlined.index("<body") :]


@pytest.mark.parametrize(
    "media",
    ["print", "only screen and (max-width: 480px)", "(prefers-color-scheme: dark)", "speech"],
)
@pytest.mark.parametrize("tag", ["<style media='{}'>", '<STYLE type="text/css" MEDIA="{}">'])
def test_a_sheet_for_certain_media_is_kept_as_it_is(inliner: StyleInliner, tag: str, media: str):
    sheet = "p { display: none } a:hover { top: 0 }"
    inlined = inliner.inline(f"<head>{tag.format(media)}{sheet}</style></head><p>x</p>")

    (kept,) = find_sheets(inlined)
    assert sheet in kept and f'media="{media}"' in kept and "data-css-inline" not in kept
    assert "<p>x</p>" in inlined


@pytest.mark.parametrize("media", ["", "all", "screen", "only screen", "SCREEN", "screen, print"])
def test_a_sheet_for_every_screen_is_inlined(inliner: StyleInliner, media: str):
    inlined = inliner.inline(f'<head><style media="{media}">p {{ top: 0 }}</style></head><p>x</p>')
    assert find_sheets(inlined) == [] and '<p style="top: 0;">' in inlined


def test_a_sheet_that_only_outlook_reads_stays_in_its_comment(inliner: StyleInliner):
    comment = '<!--[if mso]><style media="print">p { top: 0 }</style><![endif]-->'
    inlined = inliner.inline(f"<head>{comment}<style>p {{ left: 0 }}</style></head><p>x</p>")
    assert comment in inlined and '<p style="left: 0;">' in inlined


@pytest.mark.parametrize(
    "doctype",
    [
        XHTML,
        "<!doctype html>",
        "<!DOCTYPE html>",
        '<!DOCTYPE html PUBLIC "-//W3C//DTD HTML 4.01//EN" "http://www.w3.org/TR/html4/strict.dtd">',
    ],
)
@pytest.mark.parametrize("before", ["", "\n", "<!-- mail -->\n"])
def test_the_doctype_stays(inliner: StyleInliner, before: str, doctype: str):
    inlined = inliner.inline(f"{before}{doctype}\n<html><body><p>x</p></body></html>")
    assert [part for part in re.findall(r"(?i)<!doctype[^>]*>", inlined)] == [doctype]
    assert "doctype" not in inliner.inline("<p>x</p>").lower()


def test_a_declaration_with_any_text_keeps_its_value(inliner: StyleInliner):
    value = 'url("data:image/png;base64,a;b{}c")'
    sheet = f"a:hover {{ background: {value}; content: '}} ; {{' }} p {{ top: 0 }}"
    (kept,) = find_sheets(inliner.inline(f"<style>{sheet}</style><p>x <a href=x>y</a></p>"))
    assert f"background: {value}!important" in kept and "} ; {" in kept


async def read_styles(page: Page) -> dict[str, str]:
    """Return how the browser displays the newsletter."""
    return await page.evaluate(
        """() => {
          const read = (selector, name) =>
            getComputedStyle(document.querySelector(selector))[name];
          return Object.fromEntries(
            [["h1", "color"], ["a", "color"], ["a", "textDecorationLine"], ["p", "display"],
             ["p", "width"], ["p", "marginTop"], ["p", "paddingTop"], ["body", "color"]]
              .map(([selector, name]) => [`${selector} ${name}`, read(selector, name)]));
        }"""
    )


async def test_a_browser_shows_a_mail_as_its_author_wrote_it(
    inliner: StyleInliner, browser_path: str
):
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=browser_path, args=ARGUMENTS)
        page = await chromium.new_page()
        shown: list[list[dict[str, str]]] = []
        for markup in (XHTML + NEWSLETTER, inliner.inline(XHTML + NEWSLETTER)):
            await page.set_content(markup)
            modes = [await page.evaluate("document.compatMode + document.doctype.publicId")]
            for width in (400, 550, 1000):
                await page.set_viewport_size({"width": width, "height": 600})
                modes.append(await read_styles(page))
            await page.hover("a")
            modes.append(await read_styles(page))
            await page.mouse.move(0, 0)
            await page.evaluate("document.body.setAttribute('data-ogsc', '')")
            modes.append(await read_styles(page))
            await page.evaluate("document.body.removeAttribute('data-ogsc')")
            await page.emulate_media(color_scheme="dark")
            modes.append(await read_styles(page))
            await page.emulate_media(media="print", color_scheme="light")
            modes.append(await read_styles(page))
            await page.emulate_media(media="screen")
            shown.append(modes)
        await chromium.close()

    as_written, as_sent = shown
    assert as_sent == as_written
    # Each situation does look different, so the comparison can fail.
    assert len({str(mode) for mode in as_written}) == len(as_written)


@pytest.mark.parametrize("tags", ["<i>", "<i></x>", "<div class=x><br><p>", "<table><tr><td>"])
def test_a_mail_that_is_nested_too_deeply_is_refused(inliner: StyleInliner, tags: str):
    with pytest.raises(NestedTooDeeply):
        inliner.inline(tags * 1001)
    assert inliner.inline(tags * 1000).count(tags[1:4]) >= 1000


@pytest.mark.parametrize("tags", ["<p>x", "<li>x", "<br>", "<b>x</b>", "<!-- x -->", "<img src=x>"])
def test_a_long_mail_is_not_nested_deeply(inliner: StyleInliner, tags: str):
    assert inliner.inline(tags * 5000).count(tags[:2]) >= 5000


def test_the_check_names_the_styles_that_are_left_out(tmp_path: Path):
    emails = tmp_path / "emails"
    emails.mkdir()
    (emails / "_layout.html").write_text(
        '<html><head>\n<link rel="stylesheet" href="https://example.com/a.css">\n'
        "<link rel=icon href=x>\n<style>p { color: {{ brand.color }} }\n"
        "{% if dark %}a:hover { color: red }{% endif %}\n"
        "h1 { &:hover { color: red } top: 0 }\nh2 } p { top: 0 }\n</style></head>"
    )
    (emails / "fine.html").write_text("---\nsubject: x\n---\n<style>p { top: 0 }</style><p>x</p>")

    dropped = list(find_dropped_styles(emails))

    assert [(finding.file, finding.line) for finding in dropped] == [
        ("emails/_layout.html", 2),
        ("emails/_layout.html", 6),
        ("emails/_layout.html", 7),
    ]
    assert "style sheet is left out" in dropped[0].problem
    assert "inside another rule" in dropped[1].problem
    assert "not CSS" in dropped[2].problem
