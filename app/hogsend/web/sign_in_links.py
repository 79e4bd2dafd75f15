"""One-time links that let an operator choose a password and sign in."""

from __future__ import annotations

from quart import Blueprint, Response

from ..errors import HogsendError, Overloaded, StoreUnavailable
from ..services import sessions
from .pages import get_context, read_form, render_error_page, render_page
from .session import WebResponse, add_page_headers, refuse_foreign_forms
from .sign_in import redirect_with_session

blueprint = Blueprint("sign_in_links", __name__)
blueprint.before_request(refuse_foreign_forms)
blueprint.after_request(add_page_headers)


@blueprint.get("/sign-in/<token>")
async def show_link(token: str) -> WebResponse:
    """Show the form for a password; opening the link does not use it."""
    link = await sessions.find_sign_in_link(get_context(), token)
    if link is None:
        return _refuse_link()
    return render_page("sign_in_link.html", link=link, problem="", email=link.email or "")


@blueprint.post("/sign-in/<token>")
async def use_link(token: str) -> WebResponse:
    """Use the link: set the password and sign in."""
    form = await read_form()
    link = await sessions.find_sign_in_link(get_context(), token)
    if link is None:
        return _refuse_link()
    email, password = link.email or form.get("email", ""), form.get("password", "")
    problem = ""
    if password != form.get("again", password):
        problem = "The two passwords are different."
    else:
        try:
            cookie = await sessions.use_sign_in_link(
                get_context(), token, email=email, password=password
            )
            return redirect_with_session(cookie, "/", email)
        except (Overloaded, StoreUnavailable):
            raise
        except HogsendError as error:
            problem = str(error)
    return render_page("sign_in_link.html", status=400, link=link, problem=problem, email=email)


def _refuse_link() -> Response:
    return render_error_page(
        410,
        "This sign-in link has been used or has expired.",
        "Create a new one on the server: `hogsend operators link`",
    )
