"""Mails leave while the ledger is drained; a call to drain at the end is not lost."""

from __future__ import annotations

import asyncio

from hogsend.delivery.drain_gate import DrainGate


async def test_the_gate_is_open_until_nothing_is_due():
    gate, opened = DrainGate(), list[bool]()
    draining = asyncio.create_task(gate.drain(lambda: opened.append(gate.is_open)))
    await asyncio.sleep(0)
    assert (gate.is_open, opened) == (True, [True])
    gate.close()
    await draining
    assert not gate.is_open


async def test_a_call_right_after_the_close_opens_the_gate_again():
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


async def test_a_call_while_the_gate_is_open_polls_and_does_not_wait():
    gate, polls = DrainGate(), list[int]()
    first = asyncio.create_task(gate.drain(lambda: None))
    await asyncio.sleep(0)
    await gate.drain(lambda: polls.append(1))
    assert (polls, gate.is_open) == ([1], True)
    gate.close()
    await first
