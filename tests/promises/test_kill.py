"""SIGKILL at any moment: nothing is lost, nothing is doubled, what may have left is in doubt."""

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

from tests.processes import Program, program
from tests.sinks.smtp_sink import STALL, VERDICT, SmtpSink
from tests.site import FILES

KILLS = 12
PEOPLE = 240
SENDS = 3
CHAIN = """\
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


def ids_at(sink: SmtpSink) -> Counter[str]:
    """Return how often each mail has arrived, by our id of it."""
    found = (_ID.search(mail.raw) for mail in sink.mails)
    return Counter(match.group(1).decode() for match in found if match)


class Product:
    """A product that tells of each person until it is answered, as its outbox does.

    Args:
        hogsend: whom it tells.
    """

    def __init__(self, hogsend: Program) -> None:
        self._hogsend = hogsend
        self.answers: list[dict[str, object]] = []

    async def tell(self) -> None:
        """Tell of everybody, four at a time."""
        people = iter(range(PEOPLE))
        await asyncio.gather(*(self._tell_of(people) for _ in range(4)))

    async def _tell_of(self, people: Iterator[int]) -> None:
        async with httpx.AsyncClient(timeout=5) as client:
            for person in people:
                self.answers.append(await self._told(client, person))
                # It takes as long as all the kills: some of it is going on at each.
                await asyncio.sleep(0.08)

    async def _told(self, client: httpx.AsyncClient, person: int) -> dict[str, object]:
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


async def test_killed_at_a_dozen_random_moments_it_loses_and_doubles_nothing(
    tmp_path: Path,
) -> None:
    chance = random.Random(20260302)  # noqa: S311 - the moments are to be the same each time
    files = {**FILES, "chain.py": CHAIN}
    async with (
        SmtpSink(hesitation=0.02) as sink,
        program(tmp_path, files=files, MAIL=sink.url) as hogsend,
    ):
        await hogsend.start()
        product = Product(hogsend)
        telling = asyncio.ensure_future(product.tell())
        for _ in range(KILLS):
            await asyncio.sleep(chance.uniform(0.0, 0.7))
            await hogsend.kill()
            await hogsend.start()
        await telling
        over = "SELECT COUNT(*) = 0 FROM enrollments WHERE state <> 'completed'"
        left = "SELECT COUNT(*) = 0 FROM sends WHERE status IN ('queued', 'sending')"
        await hogsend.until(lambda: hogsend.rows(over) == hogsend.rows(left) == [(1,)])
        assert (await hogsend.stop())[0] == 0

        # Nothing is lost: each person has entered once and each of the three mails is there.
        assert len(product.answers) == PEOPLE
        assert hogsend.rows("SELECT COUNT(*), COUNT(DISTINCT contact_id) FROM enrollments") == [
            (PEOPLE, PEOPLE)
        ]
        assert hogsend.rows("SELECT COUNT(*) FROM events") == [(PEOPLE,)]
        rows = hogsend.rows("SELECT lower(hex(id)), status FROM sends")
        assert len(rows) == SENDS * PEOPLE
        arrived = {one.replace("-", ""): count for one, count in ids_at(sink).items()}
        # Nothing is doubled: what was sent has arrived once, what is in doubt once or never.
        assert arrived.keys() <= {send_id for send_id, _ in rows}
        assert {status for _, status in rows} <= {"sent", "in_doubt"}
        assert all(arrived.get(send_id) == 1 for send_id, status in rows if status == "sent")
        assert max(arrived.values()) == 1
        # And what is in doubt is counted.
        in_doubt = sum(status == "in_doubt" for _, status in rows)
        counted = hogsend.rows("SELECT SUM(value) FROM counters WHERE name = 'sends/in_doubt'")
        assert (counted[0][0] or 0) == in_doubt
        sent = hogsend.rows("SELECT SUM(value) FROM counters WHERE name = 'sends/sent'")
        assert sent == [(len(rows) - in_doubt,)]
        assert "Traceback" not in hogsend.complaints


async def test_a_mail_cut_off_in_its_hand_over_is_shown_as_in_doubt(tmp_path: Path) -> None:
    async with SmtpSink() as sink, program(tmp_path, MAIL=sink.url) as hogsend:
        sink.will_answer(VERDICT, STALL)
        await hogsend.start()
        async with httpx.AsyncClient() as client:
            await hogsend.post(client, EVENT)
        await sink.stalled.wait()
        await hogsend.kill()
        assert hogsend.rows("SELECT status FROM sends") == [("sending",)]

        await hogsend.start()

        shown = hogsend.rows("SELECT status, reason, attempts FROM sends")[0]
        assert shown[:2] == ("in_doubt", "the process ended during the hand-over")
        assert "in_doubt" in shown[2]
        assert "may or may not have left" in hogsend.complaints
        # The next one leaves, and the one in doubt is not repeated.
        async with httpx.AsyncClient() as client:
            await hogsend.post(client, {**EVENT, "userId": "bo", "email": "bo@example.com"})
        await hogsend.until(lambda: sink.count)
        await hogsend.stop()
        assert [mail.recipient for mail in sink.mails] == ["<bo@example.com>"]


async def test_with_the_local_inbox_a_cut_off_mail_is_captured_once(tmp_path: Path) -> None:
    async with program(tmp_path) as hogsend:
        await hogsend.start()
        async with httpx.AsyncClient() as client:
            await hogsend.post(client, EVENT)
        await hogsend.until(lambda: hogsend.rows("SELECT 1 FROM sends WHERE status = 'sent'"))
        await hogsend.kill()
        with closing(sqlite3.connect(hogsend.data / "hogsend.db")) as connection, connection:
            # As if the process had died between the inbox's commit and the ledger's.
            connection.execute("UPDATE sends SET status = 'sending', sent_at = NULL")

        await hogsend.start()

        await hogsend.until(lambda: hogsend.rows("SELECT 1 FROM sends WHERE status = 'sent'"))
        assert hogsend.rows("SELECT COUNT(*) FROM inbox") == [(1,)]
