"""Mails leave while somebody drains the ledger, and whoever asks at its end is not overheard."""

from __future__ import annotations

import asyncio

from hogsend.delivery.drain_gate import DrainGate


async def test_it_is_open_until_nothing_is_due():
    gate, told = DrainGate(), list[bool]()
    draining = asyncio.create_task(gate.drain(lambda: told.append(gate.is_open)))
    await asyncio.sleep(0)
    assert (gate.is_open, told) == (True, [True])
    gate.close()
    await draining
    assert not gate.is_open


async def test_who_asks_when_it_has_just_been_closed_opens_it_again():
    gate = DrainGate()
    first = asyncio.create_task(gate.drain(lambda: None))
    await asyncio.sleep(0)
    gate.close()
    second = asyncio.create_task(gate.drain(lambda: None))
    await first
    await asyncio.sleep(0)
    assert gate.is_open and not second.done()
    gate.close()
    await second


async def test_who_asks_while_it_is_open_lets_the_mailer_look_and_does_not_wait():
    gate, told = DrainGate(), list[int]()
    first = asyncio.create_task(gate.drain(lambda: None))
    await asyncio.sleep(0)
    await gate.drain(lambda: told.append(1))
    assert (told, gate.is_open) == ([1], True)
    gate.close()
    await first
