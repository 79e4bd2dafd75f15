"""The Python client against a real server: nothing is lost, nothing is stored twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from hogsend.client import (
    ApiRefusal,
    AsyncHogsend,
    ConnectionFailed,
    EventsNotSent,
    Hogsend,
    QueueFull,
)
from hogsend.client import requests as retries
from hogsend.client.requests import ApiRequest, ApiResponse, choose_pause
from hogsend.clock import ManualClock
from tests.site import Site, open_site
from tests.web.serving import serving

T = TypeVar("T")
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "_FIRST_PAUSE", 0.0)


@pytest.fixture
async def site(sqlite_url: str, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Site]:
    async with open_site(tmp_path, clock, with_worker=False) as opened:
        yield opened


@pytest.fixture
async def url(site: Site) -> AsyncIterator[str]:
    async with serving(site.app, site.runtime.change_feed) as address:
        yield address


class LossyTransport(httpx.HTTPTransport):
    """Loses the first answers on their way back."""

    def __init__(self, losses: int) -> None:
        super().__init__()
        self.losses = losses

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        if self.losses:
            self.losses -= 1
            response.close()
            raise httpx.ReadError("The connection was lost.")
        return response


async def in_thread(call: Callable[..., T], *values: Any, **named: Any) -> T:
    return await asyncio.to_thread(call, *values, **named)


async def test_an_event_is_answered_with_its_decisions(site: Site, url: str) -> None:
    with Hogsend(url, site.key) as client:
        result = await in_thread(
            client.send_event, "user.created", user_id="ada", email="ada@example.com"
        )
    assert result.stored and result.contact_key == "ada"
    assert result.enrollments[0]["outcome"] == "enrolled"


async def test_an_event_whose_answer_was_lost_is_stored_once(site: Site, url: str) -> None:
    with Hogsend(url, site.key, transport=LossyTransport(2)) as client:
        result = await in_thread(client.send_event, "seen", user_id="ada")
    assert not result.stored
    assert await site.fetch_value("SELECT COUNT(*) FROM events") == 1


async def test_a_refusal_names_the_fields_and_is_not_repeated(site: Site, url: str) -> None:
    with Hogsend(url, site.key) as client:
        with pytest.raises(ApiRefusal) as refused:
            await in_thread(client.send_event, "seen", email="nobody")
        assert refused.value.status == 400 and refused.value.code == "invalid"
        assert refused.value.details[0]["path"] == ["email"] and refused.value.request_id
        with pytest.raises(ValueError, match="user_id or an email"):
            client.send_event("seen")
    with Hogsend(NOWHERE, site.key) as client, pytest.raises(ConnectionFailed):
        await in_thread(client.send_event, "seen", user_id="ada")


async def test_closing_sends_every_queued_event_in_order(site: Site, url: str) -> None:
    refused: list[str] = []
    client = Hogsend(
        url,
        site.key,
        transport=LossyTransport(1),
        on_refused=lambda event, refusal: refused.append(f"{event['name']}: {refusal.code}"),
    )
    for number in range(1100):
        client.queue_event("seen", user_id="ada", properties={"number": number})
        if number == 700:
            client.queue_event("bad", email="nobody")
    await in_thread(client.close)
    numbers = await site.rows("SELECT properties FROM events ORDER BY seq")
    assert [text for (text,) in numbers] == [f'{{"number":{n}}}' for n in range(1100)]
    assert refused == ["bad: invalid"]
    with pytest.raises(RuntimeError, match="closed"):
        client.queue_event("seen", user_id="ada")


async def test_events_that_cannot_be_sent_are_returned_when_the_client_closes(
    site: Site, url: str
) -> None:
    client = Hogsend(NOWHERE, site.key, max_queued=2)
    client.queue_event("seen", user_id="ada")
    client.queue_event("seen", user_id="bo")
    with pytest.raises(QueueFull):
        client.queue_event("seen", user_id="cy")
    with pytest.raises(EventsNotSent) as left:
        client.close(0.01)
    assert [event["userId"] for event in left.value.events] == ["ada", "bo"]

    with Hogsend(url, site.key) as again:
        for _ in range(2):
            for event in left.value.events:
                await in_thread(again.request, "POST", "/v1/events", body=event)
    assert await site.fetch_value("SELECT COUNT(*) FROM events") == 2


async def test_the_asynchronous_client_keeps_the_same_promises(site: Site, url: str) -> None:
    async with AsyncHogsend(url, site.key) as client:
        result = await client.send_event("seen", user_id="ada")
        assert result.stored
        with pytest.raises(ApiRefusal):
            await client.send_event("seen", email="nobody")
        for number in range(600):
            client.queue_event("seen", user_id="bo", properties={"number": number})
    assert await site.fetch_value("SELECT COUNT(*) FROM events") == 601
    lost = AsyncHogsend(NOWHERE, site.key)
    lost.queue_event("seen", user_id="ada")
    with pytest.raises(EventsNotSent) as left:
        await lost.close(0.01)
    assert [event["userId"] for event in left.value.events] == ["ada"]


@pytest.mark.parametrize(
    ("status", "headers", "is_repeatable", "pause"),
    [
        (200, {}, True, None),
        (400, {}, True, None),
        (429, {"retry-after": "7"}, True, 7.0),
        (503, {}, True, 0.25),
        (500, {}, True, 0.25),
        (None, {}, True, 0.25),
        # Whether it was done is not known, and a second time would do it again.
        (None, {}, False, None),
        (500, {}, False, None),
        # It was not done for certain.
        (503, {}, False, 0.25),
        (429, {"retry-after": "7"}, False, 7.0),
    ],
)
def test_only_what_may_be_repeated_is_repeated(
    monkeypatch: pytest.MonkeyPatch,
    status: int | None,
    headers: dict[str, str],
    is_repeatable: bool,
    pause: float | None,
) -> None:
    monkeypatch.setattr(retries, "_FIRST_PAUSE", 0.5)
    request = ApiRequest("POST", "/x", is_repeatable=is_repeatable)
    response = None if status is None else ApiResponse(status, b"", headers)
    assert choose_pause(request, response, 0, 4, lambda: 0.0) == pause
    assert choose_pause(request, response, 4, 4, lambda: 0.0) is None
