"""The outages of Hatchet: which there are, and for how long workers may end because of one."""

from __future__ import annotations

from datetime import timedelta

from hogsend.clock import ManualClock
from hogsend.engines.hatchet.connectivity import Connectivity
from hogsend.errors import HatchetApiUnavailable, HatchetUnavailable


def test_workers_may_end_because_of_an_outage_until_a_minute_after_it(clock: ManualClock):
    connectivity = Connectivity(clock, lambda: None)
    connectivity.record_answer("ping")
    assert not connectivity.had_outage_lately
    connectivity.record_failure("push", HatchetUnavailable("refused"))
    assert connectivity.had_outage_lately
    connectivity.record_answer("push")
    clock.set(clock.now() + timedelta(seconds=59))
    assert connectivity.had_outage_lately
    clock.set(clock.now() + timedelta(seconds=1))
    assert not connectivity.had_outage_lately


def test_no_worker_ends_because_the_api_is_away(clock: ManualClock):
    connectivity = Connectivity(clock, lambda: None)
    connectivity.record_answer("ping")
    connectivity.record_failure("api", HatchetApiUnavailable("refused"))
    assert connectivity.outage is not None
    assert not connectivity.had_outage_lately
