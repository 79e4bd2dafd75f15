"""The Quart application: every route, and the limits that hold for all of them."""

from __future__ import annotations

from typing import Any

from quart import Quart, Response, request

from ..paths import resource
from ..runtime import Runtime
from . import admin, auth, live, public, tracking
from .api import events, health
from .api.access import Access
from .api.door import LARGEST_BODY, EventsDoor, request_id
from .errors import register
from .pages import runtime

__all__ = ["create_app", "runtime"]


def create_app(opened: Runtime) -> Quart:
    """Make the application.

    Args:
        opened: what the process is made of.
    """
    app = Quart("hogsend", static_folder=str(resource("web/static")), static_url_path="/static")
    app.config["RUNTIME"] = opened
    memory = app.extensions["access"] = Access()
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = 31_536_000
    app.config["RESPONSE_TIMEOUT"] = None
    blueprints: tuple[Any, ...] = (
        admin.blueprint,
        auth.blueprint,
        live.blueprint,
        public.blueprint,
        tracking.blueprint,
        events.blueprint,
        health.blueprint,
    )
    for blueprint in blueprints:
        app.register_blueprint(blueprint)
    register(app)

    @app.after_request
    async def name_request(answer: Response) -> Response:  # pyright: ignore[reportUnusedFunction]
        answer.headers["X-Request-Id"] = request_id(request.headers.get("X-Request-Id", ""))
        return answer

    app.asgi_app = EventsDoor(app.asgi_app, opened, memory)  # type: ignore[method-assign]
    return app
