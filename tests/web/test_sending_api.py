"""What an operator stops waits at once, and leaves at once when it is released."""

from __future__ import annotations

from pathlib import Path

from hogsend.clock import ManualClock
from hogsend.domain.send_policy import Send
from hogsend.services.actor import COMMAND_LINE
from hogsend.services.keys import create_key
from tests.site import open_site, until


async def test_a_stop_holds_mail_at_once_and_a_release_lets_it_leave(
    tmp_path: Path, clock: ManualClock, database_url: str
) -> None:
    async with open_site(tmp_path, clock, DATABASE_URL=database_url) as site:
        _, key = await create_key(
            site.runtime, COMMAND_LINE, name="ops", scopes=["full-admin"], origins=[]
        )
        headers = {"Authorization": f"Bearer {key}"}
        body = {"scope": "sender", "name": "Localhost", "note": "a mistake"}
        answer = await site.client.post("/v1/admin/sending/stop", json=body, headers=headers)
        assert answer.status_code == 200
        await site.event("user.created")

        async def find_waiting() -> Send | None:
            sends = await site.sends()
            return next((send for send in sends if send.reason == "sending_stopped"), None)

        await until(site.runtime.change_feed, find_waiting)
        again = await site.client.post("/v1/admin/sending/stop", json=body, headers=headers)
        assert again.status_code == 409
        shown = await site.client.get("/v1/admin/sending", headers=headers)
        assert [stop["name"] for stop in (await shown.get_json())["stops"]] == ["localhost"]

        answer = await site.client.post("/v1/admin/sending/release", json=body, headers=headers)
        assert answer.status_code == 200

        async def find_sent() -> Send | None:
            return next(iter(await site.sends("sent")), None)

        await until(site.runtime.change_feed, find_sent)
