"""Who asks a service to do something, and what they are permitted to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from ..errors import Forbidden
from ..store.keys import FULL_ADMIN, INGEST, INGEST_PUBLIC, Key
from ..store.operators import Operator, Role


class Permission(StrEnum):
    """What an actor may be permitted to do; every service function requires one of these."""

    READ = "read"
    INGEST = "ingest"
    INGEST_PUBLIC = "ingest-public"
    OPERATE = "operate"
    ADMINISTER = "administer"


ActorKind = Literal["operator", "key", "command line", "system"]

_EVERYTHING = frozenset(Permission)
_OF_ROLE: Mapping[Role, frozenset[Permission]] = {
    "viewer": frozenset({Permission.READ}),
    "operator": frozenset(
        {Permission.READ, Permission.INGEST, Permission.INGEST_PUBLIC, Permission.OPERATE}
    ),
    "owner": _EVERYTHING,
}
_OF_SCOPE: Mapping[str, frozenset[Permission]] = {
    INGEST: frozenset({Permission.INGEST, Permission.INGEST_PUBLIC}),
    INGEST_PUBLIC: frozenset({Permission.INGEST_PUBLIC}),
    "read": frozenset({Permission.READ}),
    "journey-admin": frozenset({Permission.READ, Permission.OPERATE}),
    FULL_ADMIN: _EVERYTHING,
}
# The least role that holds a permission, for the error.
_ROLE_FOR: Mapping[Permission, Role] = {
    Permission.READ: "viewer",
    Permission.INGEST: "operator",
    Permission.INGEST_PUBLIC: "operator",
    Permission.OPERATE: "operator",
    Permission.ADMINISTER: "owner",
}
# The permission that a scope stands for, on routes that need the scope.
_PERMISSION_FOR: Mapping[str, Permission] = {
    INGEST: Permission.INGEST,
    INGEST_PUBLIC: Permission.INGEST_PUBLIC,
    "read": Permission.READ,
    "journey-admin": Permission.OPERATE,
    FULL_ADMIN: Permission.ADMINISTER,
}
# The least scope that grants a permission, for the error.
_SCOPE_FOR: Mapping[Permission, str] = {
    Permission.READ: "read",
    Permission.INGEST: INGEST,
    Permission.INGEST_PUBLIC: INGEST,
    Permission.OPERATE: "journey-admin",
    Permission.ADMINISTER: FULL_ADMIN,
}

_EVENT_SOURCES: Mapping[ActorKind, str] = {
    "operator": "dashboard",
    "key": "api",
    "command line": "cli",
    "system": "system",
}


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks a service to do something.

    Args:
        kind: which kind of caller this is.
        name: how the audit log names the actor: an operator's address, `cli`, a key's prefix.
        permissions: what the actor is permitted to do.
        role: an operator's role, for errors; None for other actors.
        is_publishable: whether the actor is a key whose text is public, which may act for nobody
            but an anonymous visitor, or the user that a signed token names.
    """

    kind: ActorKind
    name: str
    permissions: frozenset[Permission]
    role: Role | None = None
    is_publishable: bool = False

    @property
    def event_source(self) -> str:
        """How events that the actor sends name their source."""
        if self.is_publishable:
            return "inapp"
        return _EVENT_SOURCES[self.kind]

    @property
    def can_act_for_recipients(self) -> bool:
        """Whether the actor may have the links of mails, which act for the recipient."""
        return Permission.OPERATE in self.permissions

    @property
    def can_operate(self) -> bool:
        """Whether the actor may operate the installation, and see what its files contain."""
        return Permission.OPERATE in self.permissions

    @classmethod
    def from_operator(cls, operator: Operator) -> Actor:
        """Return the actor for an operator who is signed in to the dashboard."""
        return cls("operator", operator.email, _OF_ROLE[operator.role], operator.role)

    @classmethod
    def from_key(cls, key: Key) -> Actor:
        """Return the actor for a request that carries an API key."""
        permissions = frozenset[Permission]().union(*(_OF_SCOPE[scope] for scope in key.scopes))
        return cls("key", f"key {key.prefix}", permissions, is_publishable=key.publishable)

    def require_any_change(self) -> None:
        """Check that the actor may change something, before its request is parsed.

        A viewer whose form is malformed thereby learns that it may not send forms, not how to
        correct this one. The service function that the form is for requires its own permission.

        Raises:
            Forbidden: the actor may change nothing.
        """
        self.require(Permission.OPERATE)

    def require_scope(self, scope: str) -> None:
        """Check that the actor may use a route that needs a scope.

        Raises:
            Forbidden: the actor lacks the permission that the scope stands for.
        """
        self.require(_PERMISSION_FOR[scope])

    def require_any(self, *permissions: Permission) -> None:
        """Check that the actor holds one of several permissions.

        Raises:
            Forbidden: the actor holds none of them; the error names the first.
        """
        if not self.permissions.intersection(permissions):
            self.require(permissions[0])

    def require(self, permission: Permission) -> None:
        """Check that the actor holds a permission.

        Raises:
            Forbidden: the actor does not hold it.
        """
        if permission in self.permissions:
            return
        if self.role is not None:
            raise Forbidden(
                f"You are signed in as a {self.role}, and this needs the role "
                f"{_ROLE_FOR[permission]}.",
                "Ask an owner to change your role or to do it for you.",
            )
        if self.kind == "key":
            remedy = f"This key lacks the scope {_SCOPE_FOR[permission]}."
            raise Forbidden("Forbidden: insufficient scope", remedy)
        raise Forbidden(f"This needs permission to {permission}.")


COMMAND_LINE = Actor("command line", "cli", _EVERYTHING)
SYSTEM = Actor("system", "hogsend", _EVERYTHING)
# A run that was cancelled in Hatchet's own dashboard; who cancelled it is not known here.
HATCHET = Actor("system", "hatchet", frozenset({Permission.OPERATE}))
