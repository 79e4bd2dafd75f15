"""How mail leaves: providers, limits, stops, the queue, and the outcomes of mails."""

from __future__ import annotations

from typing import cast

from ...services.sending import StopScope, get_sending_report, release_mail, stop_mail
from ..pages import get_context, get_now, read_form, render_page
from ..session import WebResponse
from .base import FORM_ERRORS, blueprint, get_actor, redirect_with_notice

# Why a queued mail waits, as the end of "12 …".
_WAITING_REASONS = {
    "paced": "wait for a rate or a warm-up plan",
    "sending_stopped": "wait for a stop to end",
    "provider_stopped": "wait for their provider",
    "frequency_cap": "wait because of the frequency cap",
}


async def _render_sending(problem: str = "", status: int = 200) -> WebResponse:
    form = await read_form()
    return render_page(
        "admin/sending.html",
        status=status,
        report=await get_sending_report(get_context(), get_actor(), get_now()),
        waiting_reasons=_WAITING_REASONS,
        problem=problem,
        form={name: form.get(name, "") for name in ("scope", "name", "note")},
    )


@blueprint.get("/sending")
async def show_sending() -> WebResponse:
    """Show providers, limits, stops, the queue and outcomes."""
    return await _render_sending()


@blueprint.post("/sending/stop")
async def stop_sending() -> WebResponse:
    """Stop the mail of a provider or a sender."""
    form = await read_form()
    scope = cast("StopScope", form.get("scope", ""))
    try:
        await stop_mail(
            get_context(), get_actor(), scope, form.get("name", ""), form.get("note", "")
        )
    except FORM_ERRORS as error:
        return await _render_sending(str(error), 400)
    return redirect_with_notice("/sending", "mail-stopped")


@blueprint.post("/sending/release")
async def release_sending() -> WebResponse:
    """Let the mail of a provider or a sender leave again."""
    form = await read_form()
    scope = cast("StopScope", form.get("scope", ""))
    await release_mail(
        get_context(), get_actor(), scope, form.get("name", ""), form.get("note", "")
    )
    return redirect_with_notice("/sending", "mail-released")
