"""How fast a file of contacts is imported and exported, in how much memory, and what writers wait.

The number of contacts is the argument, 1,000,000 unless given.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

from project import make_project
from report import report

from hogsend.config.secret import prepare_data
from hogsend.config.settings import load_settings
from hogsend.domain.ids import new_id
from hogsend.domain.incoming import IncomingEvent
from hogsend.process.runtime import Runtime, open_runtime
from hogsend.services.actor import COMMAND_LINE
from hogsend.services.exports import export_contacts
from hogsend.services.import_runs import run_import
from hogsend.services.import_uploads import ImportChoices, create_import, start_import
from hogsend.store.migrations import apply_pending

_CHUNK = 1024 * 1024
_STATUS = Path("/proc/self/status")


def write_file(file: Path, rows: int) -> None:
    """Write a file of people such as another product exports."""
    with file.open("w") as text:
        text.write("user id,email,firstName,lastName,plan,city,seats\n")
        for number in range(rows):
            text.write(
                f"user_{number},Person{number}@example{number % 997}.com,First{number},"
                f'"Last, {number}",pro,Berlin,{number % 50}\n'
            )


def read_resident_kilobytes() -> int:
    """Return the memory of this process, in KiB."""
    for line in _STATUS.read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


class MemoryPeak:
    """The most memory that a process had while it was watched."""

    def __init__(self) -> None:
        self.before = self.peak = read_resident_kilobytes()
        self._stopping = threading.Event()

    def watch(self) -> None:
        """Watch until stopped."""
        while not self._stopping.wait(0.05):
            self.peak = max(self.peak, read_resident_kilobytes())

    def stop(self) -> None:
        """Stop watching."""
        self._stopping.set()

    @property
    def grown(self) -> float:
        """How many MiB more there were than at the start."""
        return (self.peak - self.before) / 1024


@contextmanager
def watch_memory() -> Iterator[MemoryPeak]:
    """Watch the memory of this process."""
    peak = MemoryPeak()
    thread = threading.Thread(target=peak.watch)
    thread.start()
    try:
        yield peak
    finally:
        peak.stop()
        thread.join()


async def import_file(runtime: Runtime, file: Path) -> float:
    """Import the file; return the seconds without storing the upload."""

    async def chunks() -> AsyncIterator[bytes]:
        with file.open("rb") as source:
            while chunk := source.read(_CHUNK):
                yield chunk

    choices = ImportChoices(columns={"seats": "property:seats:number"})
    job = await create_import(
        runtime, COMMAND_LINE, "contacts", file.name, chunks(), import_choices=choices
    )
    # As the command line does; the server of this process would run it too.
    await start_import(runtime, COMMAND_LINE, job.id, background=False)
    started = time.perf_counter()
    done = await run_import(runtime, job.id, new_id(runtime.clock.now()))
    assert done.status == "completed", done.problem
    return time.perf_counter() - started


async def ingest_meanwhile(runtime: Runtime, waits: list[float]) -> None:
    """Submit events one after the other, and note what each waited."""
    number = 0
    while True:
        started = time.perf_counter()
        await runtime.ingest.submit(IncomingEvent("seen", user_id=f"other_{number % 100}"))
        waits.append(time.perf_counter() - started)
        number += 1
        await asyncio.sleep(0.05)


async def export_all(runtime: Runtime, format: str) -> tuple[float, int]:
    """Export all contacts; return the seconds and the lines."""
    started, lines = time.perf_counter(), 0
    chunks = await export_contacts(runtime, COMMAND_LINE, "csv" if format == "csv" else "jsonl")
    async for chunk in chunks:
        lines += chunk.count(b"\n")
    return time.perf_counter() - started, lines


async def measure(rows: int) -> None:
    """Measure an import and both exports."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "people.csv"
        write_file(file, rows)
        make_project(folder)
        settings = prepare_data(load_settings({}, folder))
        await apply_pending(settings.database_url, backups=None)
        async with open_runtime(settings, with_worker=False) as runtime:
            waits: list[float] = []
            ingesting = asyncio.create_task(ingest_meanwhile(runtime, waits))
            with watch_memory() as memory:
                seconds = await import_file(runtime, file)
            ingesting.cancel()
            waits.sort()
            slowest = waits[int(len(waits) * 0.95)] * 1000 if waits else 0.0
            report(
                "contacts imported per second, with validation",
                f"{rows / seconds:,.0f}",
                "≥ 10,000",
                detail=f"{rows:,} rows; meanwhile 95 % of single events took ≤ {slowest:.0f} ms",
            )
            report("memory of an import", f"{memory.grown:.0f} MiB", "≤ 50 MiB")
            seconds = await import_file(runtime, file)
            report("the same file again, rows per second", f"{rows / seconds:,.0f}", "≥ 10,000")
            for format in ("jsonl", "csv"):
                with watch_memory() as memory:
                    seconds, lines = await export_all(runtime, format)
                report(
                    f"contacts exported per second as {format}",
                    f"{lines / seconds:,.0f}",
                    "≥ 50,000",
                    detail=f"{lines:,} lines, {memory.grown:.0f} MiB more memory",
                )


if __name__ == "__main__":
    asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000))
