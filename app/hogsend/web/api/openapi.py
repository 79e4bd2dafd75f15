"""Describes the API as OpenAPI 3.1, from the declarations of its routes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from ... import __version__
from .routes import JSON, Answer, RawBody, Route
from .schemas import ApiError, NoQuery

_VARIABLE = re.compile(r"<(?:[a-z]+:)?([a-z_]+)>")
_REF = "#/components/schemas/{model}"

_ERRORS: Mapping[int, str] = {
    400: "The request is not valid; `details` names the fields.",
    401: "There is no key, or it is unknown, expired or revoked.",
    403: "The key lacks the scope, or may not act for this contact.",
    404: "What the request names does not exist.",
    409: "The state of what the request names does not allow it.",
    413: "The request is past a limit, which the message names.",
    415: "The body has a type that is not accepted.",
    422: "The request is well-formed, and still cannot be carried out.",
    429: "Too many requests; retry after `Retry-After` seconds.",
    500: "An unexpected error; the server's log has the reason.",
    501: "This installation does not support it.",
    502: "Another server refused.",
    503: "The database cannot be written right now; retry after `Retry-After` seconds.",
}
_CODES: Mapping[int, str] = {
    400: "invalid",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    409: "conflict",
    413: "too_large",
    429: "rate_limited",
    500: "internal",
    503: "unavailable",
}
_INTRODUCTION = """\
Errors are `{"error", "code", "details"}`: a sentence for people, a word for programs, and the
fields that are not valid. Every response has an `X-Request-Id`.

A route says which scope its key needs; `full-admin` includes all others. Publishable keys (`pk_…`)
reach the routes of the scope `ingest-public`, from the web origins of the key."""


def build_openapi(routes: Sequence[Route], base_url: str) -> dict[str, Any]:
    """Return the OpenAPI document of routes.

    Args:
        routes: every route of the API.
        base_url: where the server is reached.
    """
    schemas, components = _build_schemas(routes)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        operations = paths.setdefault(format_path(route), {})
        operations[route.method.lower()] = _describe(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Hogsend",
            "version": __version__,
            "description": _INTRODUCTION,
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": base_url}],
        "tags": [{"name": tag} for tag in dict.fromkeys(route.tag for route in routes)],
        "paths": paths,
        "components": {
            "schemas": components,
            "responses": {str(status): _describe_error(status) for status in _ERRORS},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }


def encode_openapi(document: Mapping[str, Any]) -> bytes:
    """Encode an OpenAPI document as JSON."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def format_path(route: Route) -> str:
    """Return the path of a route as OpenAPI writes it, such as `/v1/emails/{email_id}`."""
    return _VARIABLE.sub(r"{\1}", route.path)


def list_models(route: Route) -> list[type[BaseModel]]:
    """Return the models of a route's body and answers."""
    body = route.body.model if isinstance(route.body, RawBody) else route.body
    answers = [answer.model for answer in route.answers.values()]
    return [model for model in (body, *answers) if model is not None]


Schemas = Mapping[Any, Mapping[str, Any]]


def _build_schemas(routes: Iterable[Route]) -> tuple[Schemas, Mapping[str, Any]]:
    """Return the schema of each model, and the components that they refer to."""
    routes = list(routes)
    models = dict.fromkeys([ApiError, *(model for route in routes for model in list_models(route))])
    inputs: list[tuple[type[BaseModel], JsonSchemaMode]] = [
        (model, "validation") for model in models
    ]
    by_model, definitions = models_json_schema(inputs, by_alias=True, ref_template=_REF)
    components = dict(definitions["$defs"])
    for query in dict.fromkeys(route.query for route in routes):
        components |= query.model_json_schema(ref_template=_REF).get("$defs", {})
    for schema in components.values():
        for field in schema.get("properties", {}).values():
            # The default of a field that may be left out, which as a value would not be valid.
            if field.get("default") in ("", None):
                field.pop("default", None)
    return {model: schema for (model, _), schema in by_model.items()}, components


def _describe(route: Route, schemas: Schemas) -> dict[str, Any]:
    parameters = [*_list_variables(route), *_list_parameters(route)]
    body = _describe_body(route, schemas)
    responses: dict[str, Any] = {
        str(status): _describe_answer(answer, schemas) for status, answer in route.answers.items()
    }
    for status in list_error_statuses(route):
        responses.setdefault(str(status), {"$ref": f"#/components/responses/{status}"})
    return {
        "operationId": _name_operation(route),
        "tags": [route.tag],
        "summary": route.summary,
        "description": _write_description(route),
        **({"parameters": parameters} if parameters else {}),
        **({"requestBody": body} if body else {}),
        "responses": responses,
        "security": [] if route.scope is None else [{"key": [route.scope]}],
    }


def _write_description(route: Route) -> str:
    needs = "Needs no key." if route.scope is None else f"Needs the scope `{route.scope}`."
    return f"{route.description}\n\n{needs}".strip()


def list_error_statuses(route: Route) -> list[int]:
    """Return the statuses that errors of a route may have."""
    statuses = {429, 500, 503, *route.errors}
    if route.scope is not None:
        statuses |= {401, 403}
    if route.body is not None:
        statuses |= {400, 413}
    if route.query is not NoQuery:
        statuses.add(400)
    return sorted(statuses)


def _name_operation(route: Route) -> str:
    parts = [part.strip("{}") for part in format_path(route).split("/") if part]
    return "_".join([route.method.lower(), *parts]).replace("-", "_").replace(".", "_")


def _list_variables(route: Route) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "minLength": 1},
        }
        for name in _VARIABLE.findall(route.path)
    ]


def _list_parameters(route: Route) -> list[dict[str, Any]]:
    schema = route.query.model_json_schema(by_alias=True, ref_template=_REF)
    required = schema.get("required", ())
    properties = cast("dict[str, dict[str, Any]]", schema.get("properties", {}))
    return [
        {
            "name": name,
            "in": "query",
            "required": name in required,
            **({"description": content["description"]} if "description" in content else {}),
            "schema": {key: value for key, value in content.items() if key != "description"},
        }
        for name, content in properties.items()
    ]


def _describe_body(route: Route, schemas: Schemas) -> dict[str, Any]:
    if route.body is None:
        return {}
    is_raw = isinstance(route.body, RawBody)
    model = route.body.model if isinstance(route.body, RawBody) else route.body
    types = route.body.content_types if isinstance(route.body, RawBody) else (JSON,)
    content: dict[str, Any] = {}
    for content_type in types:
        form: dict[str, Any] = {}
        if content_type == JSON and model is not None:
            form["schema"] = schemas[model]
        if content_type == JSON and route.body_example is not None:
            form["example"] = route.body_example
        content[content_type] = form
    return {"required": not is_raw or model is not None, "content": content}


def _describe_answer(answer: Answer, schemas: Schemas) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if answer.model is not None:
        content["schema"] = schemas[answer.model]
    if answer.example is not None:
        content["example"] = answer.example
    return {"description": answer.description, "content": {answer.content_type: content}}


def _describe_error(status: int) -> dict[str, Any]:
    example = {"error": _ERRORS[status], "code": _CODES.get(status, "error")}
    return {
        "description": _ERRORS[status],
        "content": {JSON: {"schema": {"$ref": _REF.format(model="ApiError")}, "example": example}},
    }
