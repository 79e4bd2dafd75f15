"""SIGKILL at any moment: nothing is lost or doubled, and mail that may have left is in doubt."""

from __future__ import annotations

import asyncio
import random
import re
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import httpx

from tests.patience import PATIENCE
from tests.processes import Program, program
from tests.sinks.smtp_sink import STALL, VERDICT, SmtpSink
from tests.site import FILES

KILLS = 12
PEOPLE = 240
SENDS = 3
THREE_MAIL_JOURNEY = """\
from datetime import timedelta
from hogsend import journey

@journey("chain", trigger="chain.begun", list="news")
async def chain(user, ctx):
    await ctx.send("hello", label="first")
    await ctx.sleep(timedelta(milliseconds=300), label="a moment")
    await ctx.send("again", label="second")
    await ctx.wait_for("never", timeout=timedelta(milliseconds=200))
    await ctx.send("hello", label="third")
"""
EVENT = {"name": "user.created", "userId": "ada", "email": "ada@example.com"}
_ID = re.compile(rb"^Message-ID: <([0-9a-f-]{36})@", re.MULTILINE | re.IGNORECASE)


def count_deliveries(sink: SmtpSink) -> Counter[str]:
    """Return how often each mail was delivered, by the id of its send."""
    matches = (_ID.search(mail.raw) for mail in sink.mails)
    return Counter(match.group(1).decode() for match in matches if match)


class EventSender:
    """Sends an event of each person until it is answered, as an outbox does.

    Args:
        hogsend: receives the events.
    """

    def __init__(self, hogsend: Program) -> None:
        self._hogsend = hogsend
        self.answers: list[dict[str, object]] = []

    async def send_all(self) -> None:
        """Send all events, four at a time."""
        people = iter(range(PEOPLE))
        await asyncio.gather(*(self._send_each(people) for _ in range(4)))

    async def _send_each(self, people: Iterator[int]) -> None:
        async with httpx.AsyncClient(timeout=30) as client:
            for person in people:
                self.answers.append(await self._send(client, person))
                # The events are spread over all the kills.
                await asyncio.sleep(0.08)

    async def _send(self, client: httpx.AsyncClient, person: int) -> dict[str, object]:
        body = {
            "name": "chain.begun",
            "userId": f"u{person}",
            "email": f"u{person}@example.com",
            "idempotencyKey": f"begun-{person}",
        }
        while True:
            with suppress(httpx.TransportError):
                answer = await self._hogsend.post(client, body)
                assert answer.status_code == 202, answer.text
                return answer.json()
            await asyncio.sleep(0.05)


async def test_a_dozen_kills_at_random_moments_lose_and_double_nothing(
    tmp_path: Path,
) -> None:
    chance = random.Random(20260302)  # noqa: S311 - a seed makes the moments repeatable
    files = {**FILES, "chain.py": THREE_MAIL_JOURNEY}
    async with (
        SmtpSink(reply_delay=0.02) as sink,
        program(tmp_path, files=files, MAIL=sink.url) as hogsend,
    ):
        await hogsend.start()
        sender = EventSender(hogsend)
        sending = asyncio.ensure_future(sender.send_all())
        for _ in range(KILLS):
            await asyncio.sleep(chance.uniform(0.0, 0.7))
            await hogsend.kill()
            await hogsend.start()
        await sending
        ended = "SELECT COUNT(*) = 0 FROM enrollments WHERE state <> 'completed'"
        unsent = "SELECT COUNT(*) = 0 FROM sends WHERE status IN ('queued', 'sending')"
        await hogsend.wait_until(lambda: hogsend.rows(ended) == hogsend.rows(unsent) == [(1,)])
        assert (await hogsend.stop())[0] == 0

        # Nothing is lost: each person is enrolled once and has each of the three mails.
        assert len(sender.answers) == PEOPLE
        assert hogsend.rows("SELECT COUNT(*), COUNT(DISTINCT contact_id) FROM enrollments") == [
            (PEOPLE, PEOPLE)
        ]
        assert hogsend.rows("SELECT COUNT(*) FROM events") == [(PEOPLE,)]
        rows = hogsend.rows("SELECT lower(hex(id)), status FROM sends")
        assert len(rows) == SENDS * PEOPLE
        delivered = {id.replace("-", ""): count for id, count in count_deliveries(sink).items()}
        # Nothing is doubled: mail that is sent was delivered once, mail in doubt at most once.
        assert delivered.keys() <= {send_id for send_id, _ in rows}
        assert {status for _, status in rows} <= {"sent", "in_doubt"}
        assert all(delivered.get(send_id) == 1 for send_id, status in rows if status == "sent")
        assert max(delivered.values()) == 1
        # Mail in doubt is counted.
        in_doubt = sum(status == "in_doubt" for _, status in rows)
        counted = hogsend.rows("SELECT SUM(value) FROM counters WHERE name = 'sends/in_doubt'")
        assert (counted[0][0] or 0) == in_doubt
        sent = hogsend.rows("SELECT SUM(value) FROM counters WHERE name = 'sends/sent'")
        assert sent == [(len(rows) - in_doubt,)]
        assert "Traceback" not in hogsend.log


async def test_a_mail_cut_off_in_its_hand_over_is_shown_as_in_doubt(tmp_path: Path) -> None:
    async with SmtpSink() as sink, program(tmp_path, MAIL=sink.url) as hogsend:
        sink.set_answers(VERDICT, STALL)
        await hogsend.start()
        async with httpx.AsyncClient(timeout=PATIENCE) as client:
            await hogsend.post(client, EVENT)
        await sink.stalled.wait()
        await hogsend.kill()
        assert hogsend.rows("SELECT status FROM sends") == [("sending",)]

        await hogsend.start()

        row = hogsend.rows("SELECT status, reason, attempts FROM sends")[0]
        assert row[:2] == ("in_doubt", "the process ended during the hand-over")
        assert "in_doubt" in row[2]
        assert "may or may not have left" in hogsend.log
        # The next mail is sent, and the one in doubt is not sent again.
        async with httpx.AsyncClient(timeout=PATIENCE) as client:
            await hogsend.post(client, {**EVENT, "userId": "bo", "email": "bo@example.com"})
        await hogsend.wait_until(lambda: sink.count)
        await hogsend.stop()
        assert [mail.recipients for mail in sink.mails] == [("bo@example.com",)]


async def test_with_the_local_inbox_a_cut_off_mail_is_captured_once(tmp_path: Path) -> None:
    async with program(tmp_path) as hogsend:
        await hogsend.start()
        async with httpx.AsyncClient(timeout=PATIENCE) as client:
            await hogsend.post(client, EVENT)
        await hogsend.wait_until(lambda: hogsend.rows("SELECT 1 FROM sends WHERE status = 'sent'"))
        await hogsend.kill()
        with closing(sqlite3.connect(hogsend.data / "hogsend.db")) as connection, connection:
            # As if the process had been killed between the commits of the inbox and the ledger.
            connection.execute("UPDATE sends SET status = 'sending', sent_at = NULL")

        await hogsend.start()

        await hogsend.wait_until(lambda: hogsend.rows("SELECT 1 FROM sends WHERE status = 'sent'"))
        assert hogsend.rows("SELECT COUNT(*) FROM inbox") == [(1,)]
