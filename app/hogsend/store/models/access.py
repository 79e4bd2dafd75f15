"""Tables of API keys, operators, their sessions and sign-in links, and the audit log."""

from __future__ import annotations

from typing import Any

from tortoise import fields
from tortoise.models import Model

from ..fields import DigestField, IdField, InstantField, json_field


class KeyRow(Model):
    """An API key; only the digest of the key's text is stored.

    `prefix` is the start of the text, by which people recognize the key. `origins` are the web
    origins that may use the key. `expires_at` is null for a key that does not expire.
    """

    id = IdField(primary_key=True)
    name = fields.CharField(max_length=100)
    prefix = fields.CharField(max_length=8)
    digest = DigestField(unique=True)
    scopes: Any = json_field(default=list)
    origins: Any = json_field(default=list)
    created_at = InstantField()
    expires_at = InstantField(null=True)
    last_used_at = InstantField(null=True)
    revoked_at = InstantField(null=True)

    class Meta:
        table = "api_keys"


class OperatorRow(Model):
    """Someone who may sign in to the dashboard; `password_hash` is null without a password."""

    id = IdField(primary_key=True)
    email = fields.CharField(max_length=320, unique=True)
    password_hash = fields.TextField(null=True)
    role = fields.CharField(max_length=10)
    created_at = InstantField()
    disabled_at = InstantField(null=True)

    class Meta:
        table = "operators"


class SessionRow(Model):
    """A session of an operator; only the digest of its cookie is stored."""

    digest = DigestField(primary_key=True)
    operator_id = IdField(db_index=True)
    created_at = InstantField()
    seen_at = InstantField()
    revoked_at = InstantField(null=True)

    class Meta:
        table = "sessions"


class SignInLinkRow(Model):
    """A one-time link that creates or signs in an operator; only its token's digest is stored."""

    digest = DigestField(primary_key=True)
    email = fields.CharField(max_length=320, null=True)
    role = fields.CharField(max_length=10)
    created_at = InstantField()
    expires_at = InstantField()
    used_at = InstantField(null=True)

    class Meta:
        table = "sign_in_links"


class AuditRow(Model):
    """An entry of the audit log. `who` is the operator's address, a key's prefix or `cli`."""

    id = IdField(primary_key=True)
    at = InstantField()
    who = fields.CharField(max_length=320)
    action = fields.CharField(max_length=60)
    subject = fields.CharField(max_length=400)
    before: Any = json_field(null=True)
    after: Any = json_field(null=True)

    class Meta:
        table = "audit"
        indexes = (("subject",),)
