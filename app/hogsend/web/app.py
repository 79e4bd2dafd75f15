"""The Quart application: every route, and the limits that hold for all of them."""

from __future__ import annotations

from typing import Any

from quart import Quart, Request, Response, request
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.routing import RequestRedirect

from ..paths import find_resource
from ..services.context import ServiceContext
from . import admin, api_description, browser_script, live, public, sign_in, sign_in_links, tracking
from .api import TABLES
from .api.cors import AnyOrigin
from .api.events_fast_path import EventsFastPath, choose_request_id
from .api.key_auth import KeyAuthenticator
from .api.routes import add_rate_headers
from .client_address import ClientAddress
from .errors import register_error_handlers
from .pages import list_assets
from .request_body import PacedConnection, SizedRequest
from .request_check import RequestCheck
from .request_drain import RequestDrain

__all__ = ["create_app"]


class Site(Quart):
    """The application: it serves only the static files that it has, and never redirects elsewhere.

    Quart looks for a file of any name, and fails when the file system refuses the name. Its
    redirects, such as that of `/static//x`, name the host of the request's header.
    """

    request_class = SizedRequest
    asgi_http_class = PacedConnection

    async def handle_request(self, request: Request) -> Any:
        try:
            return await super().handle_request(request)
        finally:
            if isinstance(request, SizedRequest):
                request.body.discard()

    async def send_static_file(self, filename: str) -> Response:
        if filename not in list_assets():
            raise NotFound
        return await super().send_static_file(filename)

    async def handle_http_exception(self, error: HTTPException) -> Any:
        if isinstance(error, RequestRedirect):
            _, _, path = error.new_url.partition("://")[2].partition("/")
            error.new_url = f"/{path}"
        return await super().handle_http_exception(error)


def create_app(context: ServiceContext) -> Quart:
    """Create the application.

    Args:
        context: the open installation that it serves.
    """
    app = Site("hogsend", static_folder=str(find_resource("web/static")), static_url_path="/static")
    app.config["CONTEXT"] = context
    authenticator = KeyAuthenticator(context)
    app.extensions["key_authenticator"] = authenticator
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = 31_536_000
    app.config["RESPONSE_TIMEOUT"] = None
    blueprints: tuple[Any, ...] = (
        admin.blueprint,
        sign_in.blueprint,
        sign_in_links.blueprint,
        live.blueprint,
        public.blueprint,
        tracking.blueprint,
        api_description.blueprint,
        browser_script.blueprint,
        *(table.build_blueprint(f"api_{number}") for number, table in enumerate(TABLES)),
    )
    for blueprint in blueprints:
        app.register_blueprint(blueprint)
    register_error_handlers(app)

    @app.after_request
    async def add_request_id(response: Response) -> Response:  # pyright: ignore[reportUnusedFunction]
        response.headers["X-Request-Id"] = choose_request_id(
            request.headers.get("X-Request-Id", "")
        )
        add_rate_headers(response)
        return response

    site = RequestCheck(RequestDrain(app.asgi_app))
    fast_path = EventsFastPath(site, context, authenticator)
    proxies = context.settings.trusted_proxies
    app.asgi_app = ClientAddress(AnyOrigin(fast_path), proxies)  # type: ignore[method-assign]
    return app
