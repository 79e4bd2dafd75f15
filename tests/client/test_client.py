"""The Python client against a real server: nothing is lost, nothing is stored twice."""

from __future__ import annotations

import asyncio
import re
import sys
import threading
from collections.abc import AsyncIterator, Callable, Sequence
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
from hogsend.client.event_queue import EventQueue, Outcome
from hogsend.client.requests import ApiRequest, ApiResponse, choose_pause
from hogsend.client.thread_sender import ThreadSender
from hogsend.clock import ManualClock
from tests.site import Site, open_site
from tests.web.serving import serving

T = TypeVar("T")
NOWHERE = "http://127.0.0.1:9"
# Both processes send at once, after the parent has opened a connection and queued an event.
FORKING = """
import os, sys
from hogsend.client import Hogsend

client = Hogsend(sys.argv[1], sys.argv[2])
client.send_event("seen", user_id="root")
client.queue_event("seen", user_id="root")
child = os.fork()
me = "parent" if child else "child"
for _ in range(20):
    assert client.send_event("seen", user_id=me).contact_key == me
client.close(5 if child else 0)
print(me, flush=True)
if child:
    os.waitpid(child, 0)
else:
    os._exit(0)
"""


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


def test_events_stay_queued_while_an_answer_is_awaited_or_is_no_answer() -> None:
    def refuse_loudly(event: object, refusal: ApiRefusal) -> None:
        raise RuntimeError(str(refusal))

    queue = EventQueue(10, refuse_loudly)
    for name in ("a", "b"):
        queue.add({"name": name})
    assert queue.take_batch() == [{"name": "a"}, {"name": "b"}]
    queue.add({"name": "c"})
    assert len(queue.list_events()) == 3
    # What a proxy answers says nothing about the events.
    no_answers: list[Outcome] = [{"status": "ok"}, {"results": []}, {"results": [{}, {}, {}]}]
    for no_answer in no_answers:
        assert not queue.settle(no_answer)
    assert len(queue) == 3
    # An error of the program's own function keeps no other event from being concluded.
    assert queue.settle({"results": [{"error": "no", "code": "invalid"}, {"stored": True}]})
    assert queue.list_events() == [{"name": "c"}]


def test_a_flush_that_is_too_short_loses_no_event() -> None:
    entered, leave = threading.Event(), threading.Event()
    sent: list[Sequence[Any]] = []

    def send(batch: Sequence[Any]) -> Outcome:
        sent.append(batch)
        entered.set()
        assert leave.wait(10)
        return {"results": [{"stored": True}] * len(batch)}

    sender = ThreadSender(lambda: EventQueue(10, lambda _event, _refusal: None), send)
    sender.add({"name": "a"})
    assert entered.wait(10)
    sender.add({"name": "b"})
    with pytest.raises(EventsNotSent) as left:
        sender.flush(0.0)
    assert left.value.events == [{"name": "a"}, {"name": "b"}]
    leave.set()
    sender.close(10)
    assert sent == [[{"name": "a"}], [{"name": "b"}]]


async def test_a_forked_process_shares_neither_connections_nor_events(site: Site, url: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", FORKING, url, site.key, stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(20):
        output, _ = await process.communicate()
    assert sorted(output.decode().split()) == ["child", "parent"]
    assert await site.fetch_value("SELECT COUNT(*) FROM events") == 42


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


@pytest.mark.parametrize("is_async", [False, True])
async def test_both_clients_reach_contacts_lists_and_emails(
    site: Site, url: str, is_async: bool
) -> None:
    client = AsyncHogsend(url, site.key) if is_async else Hogsend(url, site.key)

    async def call(name: str, *values: Any, **named: Any) -> Any:
        method = getattr(client, name)
        return await (method(*values, **named) if is_async else in_thread(method, *values, **named))

    ada, address = {"user_id": "ada"}, "ada@example.com"
    stored = await call(
        "upsert_contact", **ada, email=address, properties={"plan": "pro", "seats": 5}
    )
    assert (stored.created, stored.linked) == (True, False)
    again = await call("upsert_contact", **ada, properties={"plan": None}, lists={"tips": True})
    assert (again.id, again.created) == (stored.id, False)
    (contact,) = await call("find_contacts", email=address)
    assert (contact.id, contact.user_id, contact.email) == (stored.id, "ada", address)
    assert contact.properties == {"seats": 5}
    assert contact.first_seen_at == contact.last_seen_at == site.clock.now()
    assert await call("find_contacts", user_id="nobody") == []

    await call("subscribe", "news", email=address)
    await call("unsubscribe", "tips", **ada)
    chosen = {choice.id: choice.subscribed for choice in await call("list_lists", **ada)}
    defaults = {choice.id: choice.subscribed for choice in await call("list_lists")}
    assert (chosen["news"], chosen["tips"], defaults["tips"]) == (True, False, False)
    with pytest.raises(ApiRefusal) as unknown:
        await call("subscribe", "a b?c", **ada)
    assert (unknown.value.status, unknown.value.message) == (404, "Unknown list: a b?c")

    email = {"to": address, "template": "hello", "props": {"x": 1}, "idempotency_key": "k"}
    sent = await call("send_email", **email, replyTo="us@example.com")
    repeated = await call("send_email", **email, replyTo="us@example.com")
    assert (sent.status, sent.reason, repeated.id) == ("sent", None, sent.id)
    other = await call("send_email", **ada, subject="Hi", text="Hi", list="tips")
    assert (other.status, other.reason) == ("unsubscribed", "unsubscribed_from_list")
    assert (await call("get_email", sent.id))["to"] == address

    await call("delete_contact", **ada)
    with pytest.raises(ApiRefusal, match="Contact not found"):
        await call("delete_contact", **ada)
    for name in ("upsert_contact", "send_event", "queue_event"):
        with pytest.raises(TypeError, match="userId"):
            await call(name, *(["x"] if "event" in name else []), **ada, userId="ada")
    await call("close")


async def test_the_code_of_the_guide_works(site: Site, url: str) -> None:
    guide = (Path(__file__).parents[2] / "docs/python-client.md").read_text()
    blocks = [part.split("```")[0] for part in guide.split("```python\n")[1:]]
    names: dict[str, Any] = {}
    for code in blocks:
        code = code.replace("https://mail.example.com", url).replace("hsk_…", site.key)
        await asyncio.to_thread(exec, code, names)
    await names["main"]()
    stored = await site.rows("SELECT name, COUNT(*) FROM events GROUP BY name ORDER BY name")
    assert stored == [("plan.upgraded", 2), ("report.viewed", 2)]
    assert (await site.contact("ada")).email == "ada@example.com"
    for name in re.findall(r"`(\w+)\(", guide.split("## Contacts")[1].split("## With")[0]):
        assert callable(getattr(Hogsend, name)) and callable(getattr(AsyncHogsend, name))


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
