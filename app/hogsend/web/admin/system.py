"""The system page: what runs here, what is queued, and where things are."""

from __future__ import annotations

from ...config.hatchet_token import find_dashboard
from ...config.mail_setting import describe_mail
from ...services.send_hold import RESUME
from ...services.system import get_system_report
from ..pages import get_context, render_page
from ..session import WebResponse
from .base import blueprint, get_actor


@blueprint.get("/system")
async def show_system() -> WebResponse:
    """Show version, engine, worker, database, queues, and the author's broken files."""
    settings = get_context().settings
    return render_page(
        "admin/system.html",
        report=await get_system_report(get_context(), get_actor()),
        resume_sending=RESUME,
        settings=settings,
        provider=describe_mail(settings.mail),
        engine=settings.engine,
        hatchet_dashboard=find_dashboard() if settings.engine == "hatchet" else None,
    )
