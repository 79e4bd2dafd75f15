"""Every screen is served, explains what it shows, and can be requested in parts."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from hogsend.process.runtime import Runtime
from hogsend.services import stepwise
from hogsend.store import audit, enrollments
from hogsend.store.read_models import contacts as contact_screen
from tests.web.conftest import Browser, extract_text
from tests.web.long_texts import add_long_texts
from tests.web.sample_data import SampleData

PATHS = (
    "/",
    "/journeys",
    "/journeys/activation-welcome",
    "/journeys/activation-welcome?wait=sleep:post-welcome",
    "/journeys/activation-welcome?refused=where_not_met",
    "/journeys/payment-recovery?state=failed",
    "/contacts",
    "/contacts?q=user_18",
    "/events",
    "/events?name=user.created",
    "/emails",
    "/emails?status=skipped",
    "/imports",
    "/inbox",
    "/templates",
    "/templates/activation-welcome",
    "/keys",
    "/audit",
    "/system",
)


@pytest.mark.parametrize("path", PATHS)
async def test_a_page_works_without_data(owner: Browser, path: str) -> None:
    html = await owner.read(path)
    assert "<h1" in html
    assert "style=" not in html


@pytest.mark.parametrize("path", PATHS)
async def test_a_page_works_with_data(owner: Browser, sample: SampleData, path: str) -> None:
    html = await owner.read(path)
    assert "<h1" in html
    # The policy forbids inline styles and scripts, so that one would only look right in a test.
    assert not re.search(r"\sstyle=|<script>|\son\w+=", html)


async def test_pages_have_the_headers_that_keep_them_safe(owner: Browser) -> None:
    headers = (await owner.get("/")).headers
    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-store"


async def test_the_overview_puts_what_needs_attention_first(
    owner: Browser, sample: SampleData
) -> None:
    text = extract_text(await owner.read("/"))
    assert "3 issues need attention." in text
    assert "1 enrollment failed in Payment recovery: KeyError: 'invoice_url'" in text
    assert "1 email may or may not have been sent" in text
    assert "win_back.py cannot be used: The list 'newsletter' does not exist." in text


async def test_every_page_warns_that_this_process_has_no_worker(owner: Browser) -> None:
    for path in ("/", "/journeys", "/system"):
        assert "This process has no worker" in extract_text(await owner.read(path))


async def test_a_journey_shows_how_many_wait_at_each_step(
    owner: Browser, sample: SampleData
) -> None:
    html = await owner.read("/journeys/activation-welcome")
    assert "sleep · post-welcome 2 days, 45 waiting" in html
    assert "wait · up to 7 days plan.upgraded, 1 waiting" in html
    there = extract_text(await owner.read("/journeys/activation-welcome?wait=wait:plan.upgraded"))
    assert "Ada Lovelace" in there
    assert "Jorge L. Borges" not in there
    assert "Line 22" in there
    assert 'upgraded = await ctx.wait_for("plan.upgraded", timeout=days(7))' in there


async def test_a_journey_shows_why_contacts_were_not_enrolled(
    owner: Browser, sample: SampleData
) -> None:
    text = extract_text(await owner.read("/journeys/activation-welcome?refused=where_not_met"))
    assert "the trigger's condition was not met" in text
    assert "anon_77" in text


async def test_an_enrollment_shows_its_timeline(owner: Browser, sample: SampleData) -> None:
    text = extract_text(
        await owner.read(f"/enrollments/{sample.ids['activation-welcome/Ada Lovelace']}")
    )
    parts = [
        "Waiting for plan.upgraded until Monday, 9 March 2026, 08:40:00 UTC.",
        "Enrolled plan is “pro” · once per contact · by user.created",
        "Sent “Welcome, Ada” activation-welcome",
        "Checked for feature.used no",
        "Did not send activation-nudge unsubscribed from everything",
        "Waiting for plan.upgraded up to seven days",
        "If nothing arrives, the journey continues",
    ]
    places = [text.find(part) for part in parts]
    assert -1 not in places, dict(zip(parts, places, strict=True))
    assert places == sorted(places)


async def test_a_failed_enrollment_shows_its_traceback(owner: Browser, sample: SampleData) -> None:
    enrollment_id = sample.ids["payment-recovery/grace@example.com"]
    text = extract_text(await owner.read(f"/enrollments/{enrollment_id}"))
    assert "Turn 2 failed KeyError: 'invoice_url' · not tried again" in text
    assert 'File "journeys/payment_recovery.py", line 21' in text
    assert "Wake now" not in text


async def test_waking_ends_the_wait_and_is_logged(
    owner: Browser, sample: SampleData, runtime: Runtime
) -> None:
    enrollment_id = sample.ids["activation-welcome/Ada Lovelace"]
    answer = await owner.post(f"/enrollments/{enrollment_id}/wake")
    assert answer.headers["Location"] == f"/enrollments/{enrollment_id}?done=woken"
    enrollment = (await runtime.database.read_one(enrollments.find_by_ids([enrollment_id])))[
        enrollment_id
    ]
    assert enrollment.wake_at == runtime.clock.now()
    log = await audit.list_entries(runtime.database, 1)
    assert (log[0].who, log[0].action) == ("owner@example.com", "wake")


async def test_an_exit_names_its_operator_and_happens_once(
    owner: Browser, sample: SampleData
) -> None:
    path = f"/enrollments/{sample.ids['activation-welcome/Ada Lovelace']}"
    assert (await owner.post(f"{path}/exit", reason="asked by mail")).status_code == 303
    text = extract_text(await owner.read(path))
    assert "Left before the end: by owner@example.com: asked by mail." in text
    again = await owner.post(f"{path}/exit")
    assert again.status_code == 409
    assert "has ended already" in await again.get_data(as_text=True)


async def test_a_contact_is_found_by_the_beginning_of_an_identity(
    owner: Browser, sample: SampleData
) -> None:
    for typed in ("user_1815", "ADA@exa", "user_181"):
        assert "Ada Lovelace" in await owner.read(f"/contacts?q={typed}"), typed
    assert "anon_77" in await owner.read("/contacts?q=anon")
    assert "No contacts match" in await owner.read("/contacts?q=%25")


async def test_contacts_are_filtered_by_properties_in_the_url(
    owner: Browser, sample: SampleData, monkeypatch: pytest.MonkeyPatch
) -> None:
    await owner.read("/contacts?where=plan%3Dpro&where=&sort=-created&identity=identified")
    html = await owner.read("/contacts?where=nothing&where=plan&sort=created")
    assert "No contacts match" in html
    assert 'href="/contacts?sort=created&amp;where=plan"' in html
    for wrong in ("where=%3D5", "sort=x", "identity=x"):
        assert 'class="empty"' in await owner.read(f"/contacts?{wrong}"), wrong
    # A page that has looked at few contacts offers to go on.
    monkeypatch.setattr(stepwise, "FIRST_STEP_ROWS", 10)
    monkeypatch.setattr(stepwise, "MAX_PAGE_SECONDS", 0)
    html = await owner.read("/contacts?where=nothing")
    assert "0 matches so far" in html
    path = re.search(r'href="(/contacts\?[^"]*after=[^"]+)">Search further', html)
    assert path and "matches so far" in await owner.read(path.group(1).replace("&amp;", "&"))


async def test_contacts_are_paged_without_gap_or_repetition(
    owner: Browser, sample: SampleData
) -> None:
    seen: list[str] = []
    path: str | None = "/contacts"
    while path:
        html = await owner.read(path)
        seen += re.findall(r'<tr id="c-([0-9a-f-]+)"', html)
        next_link = re.search(r'href="(/contacts\?after=[^"]+)"', html)
        path = next_link.group(1).replace("&amp;", "&") if next_link else None
    assert len(seen) == len(set(seen)) == 63


async def test_a_contact_shows_refused_emails_with_the_reason(
    owner: Browser, sample: SampleData
) -> None:
    text = extract_text(await owner.read(f"/contacts/{sample.ids['ada']}"))
    assert "unsubscribed from everything" in text
    assert "Did not send activation-nudge" in text
    assert "Clicked in “Welcome, Ada”" in text
    assert "Unsubscribed from all email by the recipient · from this email" in text


async def test_a_switch_changes_consent_and_records_who_did_it(
    owner: Browser, sample: SampleData, runtime: Runtime
) -> None:
    path = f"/contacts/{sample.ids['ada']}"
    await owner.post(f"{path}/consent", list="product-updates", subscribed="0")
    consents = await runtime.database.read_one(contact_screen.find_consents(sample.ids["ada"]))
    assert (consents["product-updates"].subscribed, consents["product-updates"].source) == (
        False,
        "dashboard",
    )
    assert consents["*"].subscribed is False
    log = await audit.list_entries(runtime.database, 1)
    assert log[0].after == {"list": "product-updates", "subscribed": False}


async def test_a_list_that_does_not_exist_cannot_be_switched(
    owner: Browser, sample: SampleData
) -> None:
    answer = await owner.post(f"/contacts/{sample.ids['ada']}/consent", list="made-up")
    assert answer.status_code == 404


async def test_an_event_shows_its_outcomes(owner: Browser, sample: SampleData) -> None:
    text = extract_text(await owner.read(f"/events/{sample.ids['event']}"))
    assert "Activation welcome enrolled this event starts the journey" in text
    assert "Payment recovery not enrolled the trigger's condition was not met" in text


async def test_a_test_event_enrolls_like_one_of_the_product(
    owner: Browser, sample: SampleData
) -> None:
    fields = {"event": "user.created", "person": "u9", "properties": json.dumps({"plan": "pro"})}
    answer = await owner.post("/events", **fields)
    text = extract_text(await owner.read(answer.headers["Location"]))
    assert "Activation welcome enrolled" in text


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"properties": "{"}, "“Properties” is not valid JSON: Expecting property name"),
        ({"properties": "plan=pro"}, 'Write it as {"plan": "pro"}.'),
        ({"properties": "[1]"}, "“Properties” is not a JSON object. Write it as"),
        ({"properties": "[" * 2000}, "“Properties” is nested too deeply."),
        ({"properties": '{"a": 1e999}'}, "“Properties” contains a number that is too large"),
        ({"person": ""}, "“User ID” and “Email” are both empty. Fill in one of them."),
        ({"event": ""}, "The event has no name. Enter a name such as user.created."),
        ({"event": "a" * 201}, "The event's name is longer than 200 characters. Enter a name"),
        ({"email": "nobody@"}, "“Email” must be an email address such as ada@example.com."),
        ({"email": "nobody"}, "“Email” must be an email address such as ada@example.com."),
        ({"person": "nobody@"}, "“User ID” must be an email address such as ada@example.com."),
    ],
)
async def test_an_invalid_test_event_is_refused_with_the_field_and_the_remedy(
    owner: Browser, fields: dict[str, Any], sentence: str
) -> None:
    answer = await owner.post("/events", **{"event": "a", "person": "u", **fields})
    assert answer.status_code == 400
    assert sentence in extract_text(await answer.get_data(as_text=True))


async def test_a_disabled_journey_enrolls_no_one(
    owner: Browser, sample: SampleData, runtime: Runtime
) -> None:
    await owner.post("/journeys/activation-welcome/switch", on="0")
    assert "disabled" in extract_text(await owner.read("/journeys/activation-welcome"))
    answer = await owner.post("/journeys/activation-welcome/enroll", person="new@example.com")
    assert answer.status_code == 409
    assert "the journey was disabled by an operator" in await answer.get_data(as_text=True)


async def test_a_captured_mail_is_framed_without_an_origin(
    owner: Browser, sample: SampleData
) -> None:
    mail = sample.ids["welcome mail"]
    page = await owner.read(f"/inbox/{mail}")
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in page
    answer = await owner.get(f"/inbox/{mail}/html")
    policy = answer.headers["Content-Security-Policy"]
    assert "sandbox allow-popups allow-popups-to-escape-sandbox" in policy
    assert "default-src 'none'" in policy
    assert "allow-scripts" not in policy + page
    html = await answer.get_data(as_text=True)
    assert '<base target="_blank">' in html
    assert "/o/abc.gif" in html


async def test_a_preview_of_a_sent_mail_records_no_open(owner: Browser, sample: SampleData) -> None:
    html = await owner.read(f"/emails/{sample.ids['welcome mail']}/html")
    assert "/o/abc.gif" not in html


async def test_an_email_shows_replies_links_and_engagement(
    owner: Browser, sample: SampleData
) -> None:
    text = extract_text(await owner.read(f"/emails/{sample.ids['welcome mail']}"))
    assert "250 2.0.0 Ok" in text
    assert "https://example.com/invite 1 0" in text
    assert "Opened machine" in text
    headers = extract_text(await owner.read(f"/emails/{sample.ids['welcome mail']}?view=headers"))
    assert "List-Unsubscribe=One-Click" in headers


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        ("skipped", "Not sent: too soon after the previous one."),
        ("suppressed", "Not sent: the address does not exist."),
        ("cancelled", "Not sent: the enrollment ended first."),
        ("failed", "The account that you tried to reach does not exist. Resend"),
    ],
)
async def test_an_email_that_was_not_sent_says_why(
    owner: Browser, sample: SampleData, runtime: Runtime, status: str, sentence: str
) -> None:
    await add_long_texts(runtime, sample)
    text = extract_text(await owner.read(f"/emails/{sample.ids[f'long {status} mail']}"))
    assert sentence in text
    assert f" {status} To " in text


async def test_a_key_is_shown_once(owner: Browser) -> None:
    created = await owner.post("/keys", name="backend", scope="ingest")
    key = re.search(r'data-copy="(hsk_[^"]{43})"', await created.get_data(as_text=True))
    assert key
    listed = await owner.read("/keys")
    assert key.group(1) not in listed
    assert key.group(1)[:8] in listed


async def test_a_revoked_key_stays_listed_as_revoked(owner: Browser) -> None:
    await owner.post("/keys", name="backend", scope="ingest")
    key_id = re.search(r'id="k-([^"]+)"', await owner.read("/keys"))
    assert key_id
    assert "Revoke key" in await owner.read(f"/keys?revoke={key_id.group(1)}")
    await owner.post(f"/keys/{key_id.group(1)}/revoke")
    assert "revoked" in extract_text(await owner.read("/keys"))


async def test_htmx_gets_the_named_block_and_a_restored_history_the_whole_page(
    owner: Browser, sample: SampleData
) -> None:
    part = await owner.read("/events", **{"HX-Request": "true", "HX-Target": "section#events"})
    assert part.lstrip().startswith('<section class="card" id="events"')
    assert "<html" not in part
    asked = {"HX-Request": "true", "HX-Target": "section#events"}
    restored = {**asked, "HX-History-Restore-Request": "true"}
    assert "<html" in await owner.read("/events", **restored)
    elsewhere = {"HX-Request": "true", "HX-Target": "body"}
    assert "<html" in await owner.read("/events", **elsewhere)
    assert "HX-Request" in (await owner.get("/events")).headers["Vary"]


@pytest.mark.parametrize(
    ("path", "section"),
    [
        ("/contacts/none", "/contacts"),
        ("/contacts/00000000-0000-7000-8000-000000000000", "/contacts"),
        ("/enrollments/%00", "/journeys"),
        ("/emails/1", "/emails"),
        ("/events/..", "/events"),
        ("/inbox/0", "/inbox"),
        ("/journeys/none", "/journeys"),
        ("/templates/none", "/templates"),
        ("/nowhere", "/"),
    ],
)
async def test_a_404_page_links_to_the_list_of_what_exists(
    owner: Browser, path: str, section: str
) -> None:
    answer = await owner.get(path)
    assert answer.status_code == 404
    html = await answer.get_data(as_text=True)
    assert "Go to the overview" in html
    assert f'href="{section}"' in html
    assert "<code>" not in html
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("query", ["before=x", "after=x", "after=9999999999999999-x", "state=x"])
async def test_an_invalid_query_is_ignored(owner: Browser, sample: SampleData, query: str) -> None:
    for path in ("/contacts", "/events", "/emails", "/inbox", "/journeys/activation-welcome"):
        assert (await owner.get(f"{path}?{query}")).status_code == 200, path


async def test_a_recipient_with_a_broken_link_is_not_led_to_the_dashboard(owner: Browser) -> None:
    answer = await owner.get("/u/broken")
    html = await answer.get_data(as_text=True)
    assert answer.status_code == 404
    assert 'href="/"' not in html
    assert "Open it from the email again." in html


@pytest.mark.parametrize(
    ("zone", "text"),
    [
        ("Asia%2FTokyo", "until Monday, 9 March 2026, 17:40:00 JST."),
        ("America/New_York", "until Monday, 9 March 2026, 04:40:00 EDT."),
        ("../etc/passwd", "until Monday, 9 March 2026, 08:40:00 UTC."),
        ("Nowhere/None", "until Monday, 9 March 2026, 08:40:00 UTC."),
    ],
)
async def test_times_are_shown_in_the_time_zone_of_the_reader(
    owner: Browser, sample: SampleData, zone: str, text: str
) -> None:
    owner.client.set_cookie("localhost", "hogsend_zone", zone)
    path = f"/enrollments/{sample.ids['activation-welcome/Ada Lovelace']}"
    assert text in extract_text(await owner.read(path))


@pytest.mark.parametrize("path", ["/contacts?q=%00", "/events?name=a%00b"])
async def test_a_nul_character_in_a_search_is_refused(owner: Browser, path: str) -> None:
    answer = await owner.get(path)
    assert answer.status_code == 400
    assert "NUL" in await answer.get_data(as_text=True)
