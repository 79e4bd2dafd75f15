"""Declares the routes of the API: each with its scope, its forms and its answers, in one place.

From a declaration follow who may call the route, what is validated, what is limited, and what
`/openapi.json` says about it. A request passes in this order: key, scope, rate, validation,
handler.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar, cast

from pydantic import BaseModel, ValidationError
from quart import Blueprint, Response, g, request

from ...domain.forms import describe_invalid
from ...services.actor import Actor
from ...services.context import ServiceContext
from ..pages import get_context
from .key_auth import authenticate_request, get_key_authenticator
from .rate_limits import RateStatus
from .schemas import NoQuery, QueryForm, to_json_bytes

QueryT = TypeVar("QueryT", bound=QueryForm)
BodyT = TypeVar("BodyT")

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
# What an error of a route may be, beside those that every route has.
ErrorStatus = Literal[400, 403, 404, 409, 413, 415, 422, 501, 502]

JSON = "application/json"
MAX_BODY_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What a route answers with a status.

    Args:
        model: the form of the JSON; None when the body is something else.
        description: when this is the answer.
        example: such a body, as JSON values.
        content_type: the type of the body.
    """

    model: type[BaseModel] | None
    description: str
    example: Any = None
    content_type: str = JSON


@dataclass(frozen=True, slots=True)
class RawBody:
    """A body that the handler reads itself, such as a file.

    Args:
        content_types: the types that it may have.
        model: the form of a JSON body; None for anything else.
    """

    content_types: Sequence[str]
    model: type[BaseModel] | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer with another status than the first declared one, or with headers of its own."""

    body: BaseModel
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class ApiCall(Generic[QueryT, BodyT]):
    """A request that passed all checks.

    Args:
        context: the installation.
        actor: who calls.
        query: the parameters of the query string.
        body: the parsed body; None when the route has none or reads it itself.
        values: the variables of the path, by name.
    """

    context: ServiceContext
    actor: Actor
    query: QueryT
    body: BodyT
    values: Mapping[str, str]

    async def read_body(self) -> bytes:
        """Return the bytes of the body, which have at most the size that the route permits."""
        return cast("bytes", await request.get_data(cache=False))


Handler = Callable[[ApiCall[Any, Any]], Awaitable[BaseModel | Reply | Response]]


@dataclass(frozen=True, slots=True)
class Route:
    """A route of the API.

    Args:
        method: the HTTP method.
        path: the path, with variables such as `<contact_id>`.
        tag: the group of routes that it belongs to.
        scope: the scope that a key needs; None for a route without a key. Publishable keys reach
            the routes with `ingest-public`, and so do ingest keys.
        summary: what it does, in one line.
        description: more about it.
        answers: what it answers by status; the first one is the usual one.
        query: the parameters of the query string.
        body: the form of the body; None without a body.
        body_example: such a body, as JSON values.
        errors: the statuses of its errors, beside those that every route has.
        max_body_bytes: the limit of the body; 0 when the handler reads it as a stream.
        is_registered: whether the web framework answers it.
        find_key: returns the key of the present request in the form of the header `Authorization`,
            for callers that send it elsewhere; empty for the header.
    """

    method: Method
    path: str
    tag: str
    scope: str | None
    summary: str
    description: str
    answers: Mapping[int, Answer]
    query: type[QueryForm] = NoQuery
    body: type[BaseModel] | RawBody | None = None
    body_example: Any = None
    errors: Sequence[ErrorStatus] = ()
    max_body_bytes: int = MAX_BODY_BYTES
    is_registered: bool = True
    find_key: Callable[[], Awaitable[str]] | None = None


class RouteTable:
    """The routes of one noun.

    Args:
        tag: how `/openapi.json` calls the group.
    """

    def __init__(self, tag: str) -> None:
        self._tag = tag
        self.routes: list[tuple[Route, Handler | None]] = []

    def declare(self, method: Method, path: str, *, doc: str, **options: Any) -> None:
        """Declare a route that is answered before the web framework; see `Route`."""
        self._add(method, path, doc, None, is_registered=False, **options)

    def route(
        self,
        method: Method,
        path: str,
        *,
        scope: str | None,
        answers: Mapping[int, Answer],
        query: type[QueryT] = NoQuery,
        body: type[BodyT] | RawBody | None = None,
        body_example: Any = None,
        errors: Sequence[ErrorStatus] = (),
        max_body_bytes: int = MAX_BODY_BYTES,
        find_key: Callable[[], Awaitable[str]] | None = None,
    ) -> Callable[[Callable[[ApiCall[QueryT, BodyT]], Awaitable[Any]]], Handler]:
        """Declare the route that a function answers; see `Route` for the arguments.

        The function's docstring is the summary and the description. It returns the model of the
        first declared answer, a `Reply`, or a response of the web framework.
        """

        def register(handler: Callable[[ApiCall[QueryT, BodyT]], Awaitable[Any]]) -> Handler:
            self._add(
                method,
                path,
                handler.__doc__ or "",
                handler,
                scope=scope,
                answers=answers,
                query=query,
                body=body,
                body_example=body_example,
                errors=errors,
                max_body_bytes=max_body_bytes,
                find_key=find_key,
            )
            return handler

        return register

    def _add(
        self, method: Method, path: str, doc: str, handler: Handler | None, **options: Any
    ) -> None:
        summary, _, rest = doc.strip().partition("\n")
        description = "\n".join(line.strip() for line in rest.strip().splitlines())
        route = Route(
            method=method,
            path=path,
            tag=self._tag,
            summary=summary.rstrip("."),
            description=description,
            **options,
        )
        self.routes.append((route, handler))

    def build_blueprint(self, name: str) -> Blueprint:
        """Return the routes as a blueprint of the web framework, with a unique name."""
        blueprint = Blueprint(name, __name__)
        for number, (route, handler) in enumerate(self.routes):
            if handler is not None:
                blueprint.add_url_rule(
                    route.path,
                    f"{number}",
                    _build_view(route, handler),
                    methods=[route.method],
                )
        return blueprint


def _build_view(route: Route, handler: Handler) -> Callable[..., Awaitable[Response]]:
    async def view(**values: str) -> Response:
        call = ApiCall(
            context=get_context(),
            actor=await _admit(route),
            query=_parse_query(route),
            body=await _parse_body(route),
            values=values,
        )
        return _respond(route, await handler(call))

    return view


# The actor of a route without a key, which may do nothing.
_NOBODY = Actor("key", "nobody", frozenset())


async def _admit(route: Route) -> Actor:
    """Check key, scope and rate of the present request, and return its actor."""
    if route.scope is None:
        return _NOBODY
    known = await authenticate_request(await route.find_key() if route.find_key else "")
    known.actor.require_scope(route.scope)
    status = get_key_authenticator().count_request(known.key, request.method, request.path)
    if status is not None:
        g.rate_status = status
        status.refuse()
    return known.actor


def add_rate_headers(response: Response) -> None:
    """Tell the caller of the present request how many more it may make."""
    status = cast("RateStatus | None", g.get("rate_status"))
    if status is not None:
        response.headers.update(status.to_headers())


def _parse_query(route: Route) -> QueryForm:
    # A parameter that is repeated counts once, with its first value.
    parameters: Mapping[str, str] = request.args.to_dict()
    try:
        return route.query.model_validate(parameters)
    except ValidationError as error:
        raise describe_invalid(error, "query string") from None


async def _parse_body(route: Route) -> BaseModel | None:
    if route.body is None or isinstance(route.body, RawBody):
        return None
    raw = cast("bytes", await request.get_data(cache=False))
    try:
        return route.body.model_validate_json(raw or b"{}")
    except ValidationError as error:
        raise describe_invalid(error) from None


def _respond(route: Route, result: BaseModel | Reply | Response) -> Response:
    if isinstance(result, Response):
        return result
    if isinstance(result, BaseModel):
        result = Reply(result, next(iter(route.answers)))
    content = to_json_bytes(result.body)
    return Response(content, result.status, headers=dict(result.headers), content_type=JSON)


def list_body_limits(routes: Iterable[Route]) -> Mapping[str, int | None]:
    """Return the limits of bodies by path, where they differ from `MAX_BODY_BYTES`.

    Args:
        routes: the routes; a path whose limit differs has no variables.

    Returns:
        How many bytes a body may have; None when it is read as a stream.
    """
    limits = {route.path: route.max_body_bytes or None for route in routes}
    return {path: limit for path, limit in limits.items() if limit != MAX_BODY_BYTES}
