"""What `hogsend emails check` and the dashboard say about a mail."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hogsend.delivery.link_fetch import fetch_links
from hogsend.delivery.template_checks.check import check_mail
from hogsend.delivery.template_checks.colors import BLACK, WHITE, compute_contrast, parse_color
from hogsend.delivery.template_checks.finding import CheckedMail
from hogsend.delivery.template_checks.links import list_web_links

BASE = "https://mail.shop.com"
FOOT = f'<p><a href="{BASE}/u/token">Unsubscribe</a></p>'
MAIL = CheckedMail("Your report", "It is ready.", f"<p>Hi</p>{FOOT}", "Hi", 2_000, BASE, False)


def find(mail: CheckedMail) -> list[tuple[str, str]]:
    return [(finding.check, finding.level) for finding in check_mail(mail)]


def test_a_good_mail_has_no_findings() -> None:
    html = (
        '<a href="https://shop.com/a?b=c#d">A</a><a href="mailto:us@shop.com">M</a>'
        '<a href="tel:+491">T</a><a href="#top">Up</a><a name="top"></a>'
        '<img src="cid:0@images.hogsend" alt="Logo"><img src="https://shop.com/x.png" alt="">'
        '<div style="display:none">&#847;&zwnj;</div><style>p { color: #eee }</style>'
        '<p style="color:#595959;background-color:#fff">Text</p>'
    )
    assert find(replace(MAIL, html=html + FOOT)) == []


@pytest.mark.parametrize(
    ("subject", "is_bad"),
    [
        ("SALE TODAY", True),
        ("Re: our call", True),
        ("FWD: news", True),
        ("Buy now!!!", True),
        ("Earn $$$", True),
        ("OK!", False),
        ("Regarding your order", False),
        ("Your VAT invoice", False),
        ("你好世界你好", False),
    ],
)
def test_subjects_that_look_like_spam_are_named(subject: str, is_bad: bool) -> None:
    assert find(replace(MAIL, subject=subject)) == [("subject", "warning")] * is_bad


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        ({"preheader": None}, ("preheader", "warning")),
        ({"preheader": "x" * 151}, ("preheader", "warning")),
        ({"text": " \n"}, ("text", "error")),
        ({"weight": 102 * 1024 + 1}, ("weight", "error")),
        ({"html": "<p>Hi</p>"}, ("unsubscribe", "error")),
    ],
)
def test_what_mail_programs_need_is_named_if_it_is_missing(
    changes: dict[str, object], finding: tuple[str, str]
) -> None:
    assert find(replace(MAIL, **changes)) == [finding]


def test_a_transactional_mail_needs_no_link_to_unsubscribe() -> None:
    assert find(replace(MAIL, html="<p>Hi</p>", is_transactional=True)) == []


@pytest.mark.parametrize(
    ("html", "findings"),
    [
        ('<a href="">x</a>', [("link", "error")]),
        ("<a href>x</a>", [("link", "error")]),
        ('<a href="#">x</a>', [("link", "error")]),
        ('<a href="/pricing">x</a>', [("link", "error")]),
        ('<a href="pricing.html">x</a>', [("link", "error")]),
        ('<a href="//shop.com/x">x</a>', [("link", "error")]),
        ('<a href="www.shop.com">x</a>', [("link", "error")]),
        ('<a href="https://">x</a>', [("link", "error")]),
        ('<a href="https:///x">x</a>', [("link", "error")]),
        ('<a href="https://[1/">x</a>', [("link", "error")]),
        ('<a href="https://shop.com/{{ id }}">x</a>', [("link", "error")]),
        ('<a href="https://shop.com/a b">x</a>', [("link", "error")]),
        ('<a href="javascript:alert(1)">x</a>', [("link", "error")]),
        ('<a href="mailto:">x</a>', [("link", "error")]),
        ('<a href="https://www.example.com">x</a>', [("link", "warning")]),
        ('<a href="http://localhost:3000/x">x</a>', [("link", "warning")]),
        (
            '<a href="https://example.com/1">x</a><a href="https://example.com/2">x</a>',
            [("link", "warning")],
        ),
        ('<img src="https://shop.com/x.png">', [("image", "warning")]),
        ('<img src="missing.png" alt="x">', [("image", "error")]),
        ('<img alt="x">', [("image", "error")]),
    ],
)
def test_links_and_images_that_do_not_work_are_named(
    html: str, findings: list[tuple[str, str]]
) -> None:
    assert find(replace(MAIL, html=html + FOOT)) == findings


@pytest.mark.parametrize(
    ("html", "count"),
    [
        ('<p style="color:#999">x</p>', 1),
        ('<p style="color:#999; display: none">x</p>', 0),
        ('<p style="color:#999;font-size:0">x</p>', 0),
        ('<p style="color:#949494;font-size:24px">x</p>', 0),
        ('<p style="color:#949494;font-size:19px">x</p>', 1),
        ('<p style="color:#949494;font-size:19px"><b>x</b></p>', 0),
        ('<td bgcolor="#000"><p>x</p></td>', 1),
        ('<td style="background:#000"><p style="color:white">x</p></td>', 0),
        ('<td style="background:#222"><a href="https://shop.com">x</a></td>', 1),
        ('<td style="background:url(x.png) #000"><p>x</p></td>', 0),
        ('<td style="background:#000"><p style="color:rgba(255,255,255,.9)">x</p></td>', 0),
        ('<td style="background: rgb(0, 0, 0)">x</td>', 1),
        ('<p style="color:#999">x</p><p style="color:#999">y</p>', 1),
        ('<div style="color:#999"><br><img src="cid:x" alt=""></div><p>x</p>', 0),
        ('<div style="background:#000"><p style="color:#fff">x</div><p>x</p>', 0),
    ],
)
def test_text_that_is_hard_to_read_is_named(html: str, count: int) -> None:
    findings = check_mail(replace(MAIL, html=html + FOOT))
    assert [finding.check for finding in findings] == ["contrast"] * count


def test_contrast_is_that_of_the_standard() -> None:
    assert compute_contrast(BLACK, WHITE) == pytest.approx(21)
    gray = parse_color("#767676")
    assert gray is not None and compute_contrast(gray, WHITE) == pytest.approx(4.54, abs=0.01)
    assert [parse_color(text) for text in ("#12", "#xyzxyz", "hsl(1,1%,1%)", "")] == [None] * 4


def test_only_links_of_others_are_asked() -> None:
    html = (
        f'<a href="https://shop.com/a">x</a><a href="{BASE}/u/t">x</a><a href="mailto:a@b.c">x</a>'
        '<a href="https://example.com">x</a><a href="https://shop.com/a">x</a>'
    )
    assert list_web_links(replace(MAIL, html=html)) == ["https://shop.com/a"]


async def test_links_are_asked_once_and_their_problems_are_named() -> None:
    from aiohttp import web

    async def answer(request: web.BaseRequest) -> web.Response:
        asked.append(f"{request.method} {request.path}")
        if request.path == "/get-only" and request.method == "HEAD":
            return web.Response(status=405)
        statuses = {"/gone": 404, "/forbidden": 403}
        return web.Response(status=statuses.get(request.path, 200))

    asked: list[str] = []
    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        base = f"http://127.0.0.1:{port}"
        paths = ("/ok", "/ok", "/gone", "/forbidden", "/get-only")
        problems = await fetch_links([*(base + path for path in paths), "http://127.0.0.1:9/"])
    finally:
        await runner.cleanup()
    assert problems.pop(f"{base}/gone") == "the answer is 404"
    assert (
        list(problems) == ["http://127.0.0.1:9/"] and "cannot be reached" in problems.popitem()[1]
    )
    assert sorted(asked) == [
        "GET /forbidden",
        "GET /get-only",
        "GET /gone",
        "HEAD /forbidden",
        "HEAD /get-only",
        "HEAD /gone",
        "HEAD /ok",
    ]
