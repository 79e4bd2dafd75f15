"""A worker that is killed while a provider's API takes a mail loses none and doubles none."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.promises.provider_kills import POINTS, PROVIDERS, WITH_KEYS, kill_workers


# The whole figure is that of benchmarks/kill_providers.py; here each kind has all of its points.
@pytest.mark.parametrize("provider", ["resend", "postmark"])
async def test_a_kill_during_the_hand_over_loses_and_doubles_nothing(
    tmp_path: Path, provider: str
) -> None:
    assert provider in PROVIDERS

    report = await kill_workers(tmp_path, provider, len(POINTS))

    assert (report.lost, report.doubled) == ([], [])
    assert report.kills == len(POINTS) and report.mails >= len(POINTS)
    assert (report.in_doubt == 0) == (provider in WITH_KEYS)
