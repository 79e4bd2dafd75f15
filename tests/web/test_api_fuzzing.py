"""What OpenAPI promises, tried with generated requests, valid and invalid, on a real server."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import load_all_checks
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from hogsend.clock import ManualClock
from hogsend.store import keys
from hogsend.web.api import list_routes
from hogsend.web.api.openapi import build_openapi
from tests.site import Site, open_site
from tests.web.serving import serving

# Of each kind, valid and invalid, for each operation.
EXAMPLES = 3
SETTINGS = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)
CHECKS = [status_code_conformance, content_type_conformance, response_schema_conformance]
# What none of the generated requests may cause.
NOT_DOCUMENTED = (500, 503)


@pytest.fixture
async def site(sqlite_url: str, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Site]:
    async with open_site(
        tmp_path,
        clock,
        with_worker=False,
        ADMIN_RATE_LIMIT="0",
        EMAIL_RATE_LIMIT="0",
        PUBLIC_RATE_LIMIT="0",
    ) as opened:
        _, opened.key = await keys.create(
            opened.runtime.database, name="all", scopes=["full-admin"], now=clock.now()
        )
        for user_id in ("ada", "bo"):
            await opened.event("user.created", user_id)
        yield opened


async def test_every_answer_is_one_that_the_document_promises(site: Site) -> None:
    load_all_checks()
    document = build_openapi(list_routes(), "http://127.0.0.1")
    statuses: Counter[int] = Counter()
    async with serving(site.app, site.runtime.change_feed) as address:
        await asyncio.to_thread(_call_every_operation, document, address, site.key, statuses)
    assert not [status for status in statuses if status in NOT_DOCUMENTED]
    # The requests reach the handlers, and do not all fail their validation.
    assert statuses[200] + statuses[202] > 20 and statuses[400] > 20


def _call_every_operation(
    document: dict[str, Any], address: str, key: str, statuses: Counter[int]
) -> None:
    schema = schemathesis.openapi.from_dict(document)
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {key}"
        for result in schema.get_all_operations():
            operation: Any = result.ok()  # pyright: ignore[reportAttributeAccessIssue]
            _check(operation, GenerationMode.POSITIVE, address, session, statuses)
            # A request without parameters cannot be invalid.
            with suppress(Unsatisfiable):
                _check(operation, GenerationMode.NEGATIVE, address, session, statuses)


def _check(
    operation: Any,
    mode: GenerationMode,
    address: str,
    session: requests.Session,
    statuses: Counter[int],
) -> None:
    @SETTINGS
    @given(case=operation.as_strategy(generation_mode=mode))
    def check(case: Case) -> None:
        response = case.call(base_url=address, session=session)
        statuses[response.status_code] += 1
        assert response.status_code not in NOT_DOCUMENTED, (case.as_curl_command(), response.text)
        case.validate_response(response, checks=CHECKS)

    check()
