"""`/v1/admin/templates`: the templates of emails, their previews and test emails."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any, cast

from pydantic import Field

from ...domain.forms import Body, Email, Properties
from ...errors import Conflict, HogsendError, InvalidInput
from ...services.sample_mails import send_sample_mail
from ...services.templates import Template, get_template, list_templates, preview_template
from .routes import Answer, ApiCall, RouteTable
from .schemas import NoQuery, QueryForm, View

routes = RouteTable("Templates")

# The characters of a mail that a mail program shows beside its subject.
_PREVIEW_LENGTH = 140


class TemplateView(View):
    """A template; `defaultSubject` is that of its preview, null if it cannot be rendered."""

    key: str
    default_subject: str | None
    category: str | None
    has_preview: bool


class TemplatesView(View):
    """The templates, by key."""

    templates: list[TemplateView]


class PreviewQuery(QueryForm):
    """With which values to render a preview."""

    props: str = Field(
        "",
        max_length=8_000,
        pattern="^[A-Za-z0-9+/_=-]*$",
        description="A JSON object in base64.",
    )


class PreviewView(View):
    """A rendered template."""

    key: str
    subject: str
    category: str | None
    preview: str
    html: str
    text: str


class TestBody(Body):
    """Where a test email goes, and with which values; without any, those of the sample."""

    to: Email
    props: Properties = Field(default_factory=dict)


class TestAnswer(View):
    """A test email that the provider has accepted."""

    sent: bool
    provider: str
    to: str
    reply: str


EXAMPLE = {
    "key": "password-reset",
    "defaultSubject": "Reset your password",
    "category": None,
    "hasPreview": True,
}


@routes.route(
    "GET",
    "/v1/admin/templates",
    scope="read",
    answers={200: Answer(TemplatesView, "The templates.", {"templates": [EXAMPLE]})},
)
async def list_all(call: ApiCall[NoQuery, None]) -> TemplatesView:
    """Return the templates of emails."""
    templates = list_templates(call.context, call.actor).templates
    return TemplatesView(templates=[_describe(call, template) for template in templates])


@routes.route(
    "GET",
    "/v1/admin/templates/<key>/preview",
    scope="read",
    query=PreviewQuery,
    answers={
        200: Answer(
            PreviewView,
            "The rendered email.",
            {
                "key": "password-reset",
                "subject": "Reset your password",
                "category": None,
                "preview": "Hi Ada,",
                "html": "<p>Hi Ada,</p>",
                "text": "Hi Ada,",
            },
        )
    },
    errors=(404,),
)
async def preview(call: ApiCall[PreviewQuery, None]) -> PreviewView:
    """Render a template for a made-up recipient, with its sample's values or with others."""
    key = call.values["key"]
    template = get_template(call.context, call.actor, key)
    props = _read_props(call.query.props)
    try:
        mail = preview_template(call.context, call.actor, key, props)
    except HogsendError as error:
        raise _to_invalid(error) from None
    return PreviewView(
        key=key,
        subject=mail.subject,
        category=template.list_id,
        preview=" ".join(mail.text.split())[:_PREVIEW_LENGTH],
        html=mail.html,
        text=mail.text,
    )


@routes.route(
    "POST",
    "/v1/admin/templates/<key>/send-test",
    scope="journey-admin",
    body=TestBody,
    body_example={"to": "me@example.com", "props": {"name": "Ada"}},
    answers={
        200: Answer(
            TestAnswer,
            "The provider has accepted it.",
            {"sent": True, "provider": "smtp", "to": "me@example.com", "reply": "250 Ok"},
        )
    },
    errors=(404, 409),
)
async def send_test(call: ApiCall[NoQuery, TestBody]) -> TestAnswer:
    """Send a template's email to one address, outside of the ledger."""
    body, context = call.body, call.context
    key, props = call.values["key"], body.props or None
    try:
        mail = await send_sample_mail(context, context, call.actor, key, body.to, props=props)
    except HogsendError as error:
        raise _to_invalid(error) from None
    return TestAnswer(sent=True, provider=mail.provider, to=mail.to_email, reply=mail.reply)


def _to_invalid(error: HogsendError) -> HogsendError:
    """Return an error of a template or of the mail server as one that the caller can act on."""
    if error.code in ("render_failed", "content_missing"):
        return InvalidInput(error.message, error.remedy)
    # The base class says that the mail server did not accept the email.
    return Conflict(error.message, error.remedy) if type(error) is HogsendError else error


def _describe(call: ApiCall[NoQuery, None], template: Template) -> TemplateView:
    try:
        subject = preview_template(call.context, call.actor, template.key).subject
    except HogsendError:
        subject = None
    return TemplateView(
        key=template.key,
        default_subject=subject,
        category=template.list_id,
        has_preview=subject is not None,
    )


def _read_props(text: str) -> Mapping[str, Any] | None:
    """Return the values that a query names; None for those of the sample.

    Raises:
        InvalidInput: the text is not a JSON object in base64.
    """
    if not text:
        return None
    padded = text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4)
    try:
        props: Any = json.loads(base64.b64decode(padded, validate=True))
    except (binascii.Error, ValueError, RecursionError):
        props = None
    if not isinstance(props, dict):
        raise InvalidInput("props must be a JSON object in base64.")
    return cast("dict[str, Any]", props)
