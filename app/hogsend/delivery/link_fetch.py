"""Asks web servers whether the links of a mail lead anywhere."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

MAX_LINKS: Final = 50
_CONCURRENCY = 5
_TIMEOUT_SECONDS = 10.0
_MAX_REDIRECTS = 5
# What servers answer that refuse this method, or do not like programs.
_UNDECIDED = frozenset({401, 403, 405, 406, 429, 501, 503, 999})


async def fetch_links(urls: Sequence[str]) -> dict[str, str]:
    """Return why links do not work, by their addresses; those that work are left out.

    At most `MAX_LINKS` are asked, each for a few seconds; what they lead to is not read.

    Args:
        urls: web addresses.
    """
    # Only this command needs it, and every start would wait for it.
    import aiohttp

    slots = asyncio.Semaphore(_CONCURRENCY)
    timeout = aiohttp.ClientTimeout(total=_TIMEOUT_SECONDS)

    async def fetch(session: aiohttp.ClientSession, url: str) -> str | None:
        async with slots:
            try:
                for method in ("HEAD", "GET"):
                    answer = session.request(method, url, max_redirects=_MAX_REDIRECTS)
                    async with answer as response:
                        status = response.status
                    if status < 400:
                        return None
            except TimeoutError:
                return "it does not answer"
            except (aiohttp.ClientError, OSError, ValueError) as error:
                return f"it cannot be reached ({type(error).__name__})"
        return None if status in _UNDECIDED else f"the answer is {status}"

    asked = list(dict.fromkeys(urls))[:MAX_LINKS]
    async with aiohttp.ClientSession(timeout=timeout) as session:
        results = await asyncio.gather(*(fetch(session, url) for url in asked))
    return {url: problem for url, problem in zip(asked, results, strict=True) if problem}
