"""Every page says to whom an email went, and on whose behalf."""

from __future__ import annotations

from uuid import UUID

from hogsend.domain.send_policy import Send
from hogsend.store import contacts
from hogsend.web.app import create_app
from tests.web.conftest import Browser, extract_text, sign_in_as
from tests.world import World, sqlite_world

__all__ = ["sqlite_world"]


async def send_for_ada(world: World) -> tuple[Browser, UUID, UUID, Send]:
    """Send an email to Carl in Ada's journey; return a browser, Ada, Carl and the email."""
    await world.define(
        """
        @journey("invite", trigger="invited")
        async def invite(user, ctx):
            await ctx.send("welcome", to="carl@example.com")
            await ctx.send("nudge", to="c9")
            await ctx.trigger("asked", to="carl@example.com")
        """
    )
    await world.submit("seen", user_id="ada", contact_properties={"name": "Ada Lovelace"})
    await world.emit("invited")
    by_identity = await world.database.read_one(contacts.find_by_identities(["e:carl@example.com"]))
    browser = await sign_in_as(create_app(world.runtime), world.runtime, "owner")
    send = (await world.sends())[0]
    return browser, (await world.contact()).id, by_identity["e:carl@example.com"].id, send


async def test_both_people_and_the_enrollment_show_the_email(sqlite_world: World):
    browser, ada, carl, send = await send_for_ada(sqlite_world)
    sender = extract_text(await browser.read(f"/contacts/{ada}"))
    assert "Sent “welcome” to carl@example.com" in sender
    assert "Did not send nudge no usable email address to c9" in sender
    recipient = extract_text(await browser.read(f"/contacts/{carl}"))
    assert "welcome on behalf of Ada Lovelace" in recipient
    assert "Sent “welcome” on behalf of Ada Lovelace" in recipient
    enrollment = extract_text(await browser.read(f"/enrollments/{send.enrollment_id}"))
    assert "Sent “welcome” to carl@example.com" in enrollment
    assert "Did not send nudge to c9" in enrollment
    assert "Triggered asked for carl@example.com" in enrollment
    email = extract_text(await browser.read(f"/emails/{send.id}"))
    assert "To carl@example.com, on behalf of Ada Lovelace" in email
