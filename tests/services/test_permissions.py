"""Every service function, called by every role and scope: who is permitted, and who is refused."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from hogsend import services
from hogsend.clock import ManualClock
from hogsend.domain.failure_filter import ALL_FAILURES
from hogsend.domain.import_job import ImportJob, ImportOptions
from hogsend.errors import Forbidden, HogsendError
from hogsend.services.actor import COMMAND_LINE, HATCHET, SYSTEM, Actor, Permission
from hogsend.services.contact_changes import ContactChange, Visitor
from hogsend.services.contact_search import ContactQuery
from hogsend.services.direct_mails import EmailBody, MailRequest
from hogsend.services.import_uploads import ImportChoices
from hogsend.store.keys import SCOPES, Key
from hogsend.store.operators import ROLES
from tests.actors import operator_named
from tests.site import Site, open_site

ID = UUID("00000000-0000-7000-8000-000000000000")
READ, INGEST, INGEST_PUBLIC, OPERATE, ADMINISTER = (
    Permission.READ,
    Permission.INGEST,
    Permission.INGEST_PUBLIC,
    Permission.OPERATE,
    Permission.ADMINISTER,
)

# The permission that each function requires.
FUNCTIONS: Mapping[str, Permission] = {
    "archive.open_archive": OPERATE,
    "archive.write_archive": OPERATE,
    "audit.list_entries": READ,
    "backups.create_backup": ADMINISTER,
    "backups.restore_backup": ADMINISTER,
    "blocked_mails.list_blocked_groups": READ,
    "blocked_mails.retry_all_blocked": OPERATE,
    "blocked_mails.retry_blocked": OPERATE,
    "bulk_actions.check_retry": OPERATE,
    "bulk_actions.replay_missed_triggers": OPERATE,
    "bulk_actions.run_action_on_all": OPERATE,
    "consent.change_consent": OPERATE,
    "consent.change_consents": OPERATE,
    "contact_changes.create_contact": OPERATE,
    "contact_changes.edit_contact": OPERATE,
    "contact_changes.delete_contact": INGEST,
    "contact_changes.find_contacts": INGEST,
    "contact_changes.read_visitor": INGEST_PUBLIC,
    "contact_changes.upsert_contact": INGEST_PUBLIC,
    "contact_search.count_contacts": READ,
    "contact_search.search_contacts": READ,
    "contacts.find_contact": READ,
    "contacts.find_contact_ids": READ,
    "contacts.get_contact": READ,
    "contacts.get_paid_totals": READ,
    "contacts.get_contact_detail": READ,
    "contact_timeline.list_timeline": READ,
    "contacts.suppress_address": OPERATE,
    "contacts.unsuppress_address": OPERATE,
    "data_migration.copy_to_postgres": ADMINISTER,
    "direct_mails.send_email": INGEST,
    "dkim.activate_dkim_key": ADMINISTER,
    "dkim.create_dkim_key": ADMINISTER,
    "dkim.get_dkim_key": READ,
    "dkim.list_dkim_keys": READ,
    "dkim.list_signing_keys": READ,
    "dkim.retire_dkim_key": ADMINISTER,
    "direct_mails.send_email_body": INGEST,
    "enrollment_actions.run_action": OPERATE,
    "enrollments.count_enrollments": READ,
    "enrollments.count_entries": READ,
    "enrollments.get_enrollment": READ,
    "enrollments.list_contact_enrollments": READ,
    "enrollments.list_recent_enrollments": READ,
    "enrollments.list_enrollments": READ,
    "enrollments.list_failures": READ,
    "enrollments.estimate_failures": READ,
    "events.get_event": READ,
    "events.list_events": READ,
    "events.replay_event": OPERATE,
    "events.send_test_event": OPERATE,
    "event_formats.submit_posthog": INGEST_PUBLIC,
    "event_formats.submit_segment": INGEST_PUBLIC,
    "events.submit_batch": INGEST,
    "events.submit_event_json": INGEST,
    "exports.export_contacts": OPERATE,
    "exports.export_remarks": OPERATE,
    "exports.export_suppressions": OPERATE,
    "import_uploads.configure_import": OPERATE,
    "import_uploads.create_import": OPERATE,
    "import_uploads.preview_import": OPERATE,
    "import_uploads.start_import": OPERATE,
    "imports.cancel_import": OPERATE,
    "imports.delete_import": OPERATE,
    "imports.get_import": READ,
    "imports.list_imports": READ,
    "imports.list_remarks": OPERATE,
    "inbox.clear_inbox": OPERATE,
    "inbox.count_unread": READ,
    "inbox.list_mails": READ,
    "inbox.open_mail": READ,
    "journey_code.check_folder": READ,
    "journey_code.plan_folder": READ,
    "merging.merge_contacts": OPERATE,
    "merging.unmerge_contact": OPERATE,
    "journeys.count_missed_triggers": READ,
    "journeys.count_waiting": READ,
    "journeys.enroll_contact": OPERATE,
    "journeys.get_journey": READ,
    "journeys.list_journeys": READ,
    "journeys.list_refusals": READ,
    "journeys.set_enabled": OPERATE,
    "keys.create_key": ADMINISTER,
    "keys.find_key_by_text": READ,
    "keys.list_keys": READ,
    "keys.register_key": ADMINISTER,
    "keys.revoke_key": ADMINISTER,
    "metrics.get_metrics": READ,
    "metrics.get_series": READ,
    "operators.add_operator": ADMINISTER,
    "operators.create_sign_in_link": ADMINISTER,
    "operators.list_operators": READ,
    "operators.reset_operator": ADMINISTER,
    "overview.get_overview": READ,
    "preferences.change_subscription": INGEST_PUBLIC,
    "preferences.get_preferences": READ,
    "preferences.list_subscriptions": INGEST_PUBLIC,
    "preferences.read_visitor_preferences": INGEST_PUBLIC,
    "preferences.save_contact_preferences": OPERATE,
    "preferences.stop_everything": INGEST_PUBLIC,
    "privacy.count_stored": READ,
    "privacy.erase_contact": ADMINISTER,
    "results.get_results": READ,
    "sample_mails.send_sample_mail": OPERATE,
    "schema.migrate": ADMINISTER,
    "schema.prepare_schema": ADMINISTER,
    "send_actions.cancel_send": OPERATE,
    "send_actions.resend": OPERATE,
    "send_actions.resolve_doubt": OPERATE,
    "send_hold.get_send_hold": READ,
    "send_hold.resume_sending": ADMINISTER,
    "sends.get_attachment": OPERATE,
    "sends.get_delivery": INGEST,
    "sends.get_rendered_mail": READ,
    "sends.get_send": READ,
    "sends.list_sends": READ,
    "sending.get_sending_report": READ,
    "sending.release_mail": OPERATE,
    "sending.stop_mail": OPERATE,
    "suppressions.add_suppression": OPERATE,
    "suppressions.find_suppression": READ,
    "suppressions.lift_suppression": OPERATE,
    "suppressions.list_suppressions": READ,
    "system.get_system_report": READ,
    "link_figures.list_link_totals": READ,
    "template_checks.check_links": READ,
    "template_checks.check_template": READ,
    "template_checks.check_templates": READ,
    "templates.find_unguarded_variables": READ,
    "templates.get_template": READ,
    "templates.list_templates": READ,
    "templates.preview_template": READ,
    "worker_report.read_worker_report": READ,
}
# These work on whole installations: only their refusals are tried here, the rest with the commands.
REFUSALS_ONLY = (
    "archive.open_archive",
    "archive.write_archive",
    "events.replay_event",
    "backups.create_backup",
    "backups.restore_backup",
    "data_migration.copy_to_postgres",
    "journey_code.check_folder",
    "journey_code.plan_folder",
    "sample_mails.send_sample_mail",
    "schema.migrate",
    "schema.prepare_schema",
)
# Called by other services, after they have checked the permission.
HELPERS = (
    "audit.apply_audited",
    "audit.build_audit_entry",
    "identity_claims.authorize_claim",
)


def key_actor(scope: str) -> Actor:
    """Return the actor of requests with a key of one scope."""
    created_at = datetime(2026, 1, 1, tzinfo=UTC)
    return Actor.from_key(Key(ID, "test", "hsk_test", frozenset({scope}), created_at))


# What each actor may do, written out: a change of the actors' code has to be repeated here.
ACTORS: list[tuple[str, Actor, set[Permission]]] = [
    ("viewer", operator_named("v", "viewer"), {READ}),
    ("operator", operator_named("o", "operator"), {READ, INGEST, INGEST_PUBLIC, OPERATE}),
    ("owner", operator_named("w", "owner"), set(Permission)),
    ("ingest", key_actor("ingest"), {INGEST, INGEST_PUBLIC}),
    ("ingest-public", key_actor("ingest-public"), {INGEST_PUBLIC}),
    ("read", key_actor("read"), {READ}),
    ("journey-admin", key_actor("journey-admin"), {READ, OPERATE}),
    ("full-admin", key_actor("full-admin"), set(Permission)),
    ("command line", COMMAND_LINE, set(Permission)),
    ("system", SYSTEM, set(Permission)),
    ("hatchet", HATCHET, {OPERATE}),
]


@pytest.mark.parametrize("permission", Permission)
def test_the_refusal_of_a_key_names_the_scope_that_it_lacks(permission: Permission) -> None:
    weak = "read" if permission is INGEST_PUBLIC else "ingest-public"
    with pytest.raises(Forbidden, match="insufficient scope") as refusal:
        key_actor(weak).require(permission)
    scope = str(refusal.value).removesuffix(".").rpartition(" ")[2]
    key_actor(scope).require(permission)


@pytest.fixture
async def site(sqlite_url: str, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Site]:
    """An installation without a worker."""
    async with open_site(tmp_path, clock, with_worker=False) as opened:
        yield opened


def service_functions() -> dict[str, Callable[..., Any]]:
    """Return every public function of the services that takes an actor."""
    functions: dict[str, Callable[..., Any]] = {}
    for module_info in pkgutil.iter_modules(services.__path__):
        module = importlib.import_module(f"hogsend.services.{module_info.name}")
        for name, function in inspect.getmembers(module, inspect.isfunction):
            is_own = function.__module__ == module.__name__ and not name.startswith("_")
            if is_own and "actor" in inspect.signature(function).parameters:
                functions[f"{module_info.name}.{name}"] = function
    return functions


def test_the_table_names_every_service_function() -> None:
    assert set(FUNCTIONS) == set(service_functions()) - set(HELPERS)


def test_the_table_names_every_role_and_scope() -> None:
    assert {*ROLES, *SCOPES} <= {name for name, _, _ in ACTORS}


async def read_nothing() -> AsyncIterator[bytes]:
    """Yield the parts of an empty file."""
    yield b""


def arguments(site: Site, function: Callable[..., Any], actor: Actor) -> dict[str, Any]:
    """Return a value for each parameter that a function requires, by the parameter's name."""
    now = site.clock.now()
    values: dict[str, Any] = {
        "installation": site.runtime,
        "context": site.runtime,
        "settings": site.runtime.settings,
        "actor": actor,
        "limit": 10,
        "now": now,
        "contact_id": ID,
        "kept_id": ID,
        "other_id": ID,
        "merged_id": ID,
        "change": ContactChange(user_id=f"new {actor.name}"),
        "visitor": Visitor(anonymous_id="browser"),
        "choices": {"*": True},
        "figure": "emails",
        "days": 7,
        "members": [],
        "unsubscribed": True,
        "query": ContactQuery(where=["plan=pro"]),
        "enrollment_id": ID,
        "event_id": ID,
        "send_id": ID,
        "key_id": ID,
        "domain": "example.org",
        "selector": "s1",
        "sender": "example.org",
        "journey_id": "welcome",
        "list_id": "news",
        "scope": "provider",
        "note": "because",
        "key": "hello",
        "identity": "ada",
        "text": f"ad {actor.name}",
        "state": "failed",
        "action": "retry",
        "reason": "already_live",
        "name": "test",
        "role": "viewer",
        "email": f"{actor.name.replace(' ', '-')}@example.com",
        "to_email": "ada@example.com",
        "scopes": ["ingest"],
        "properties": {},
        "subscribed": True,
        "enabled": True,
        "raw": b'{"name": "seen", "userId": "ada"}',
        "idempotency_key": None,
        "templates": site.runtime,
        "request": MailRequest(to="ada@example.com", template="hello"),
        "body": EmailBody(to="ada@example.com", template="hello"),
        "position": 0,
        "was_sent": True,
        "messages": [{"type": "track", "event": "seen", "userId": "ada"}],
        "bodies": [{"name": "seen", "userId": "ada"}],
        "user_id": "ada",
        "path": site.runtime.settings.journeys,
        "file": site.runtime.settings.data / "backup.zip",
        "url": "postgres://localhost/none",
        "on_progress": lambda *_: None,
        "import_id": ID,
        "kind": "contacts",
        "file_name": "people.csv",
        "chunks": read_nothing(),
        "import_choices": ImportChoices(),
        "job": ImportJob(
            ID, "contacts", "draft", "", "csv", ImportOptions().to_json(), "", now, now
        ),
        "format": "csv",
        "failures": ALL_FAILURES,
    }
    required = [
        parameter.name
        for parameter in inspect.signature(function).parameters.values()
        if parameter.default is parameter.empty
    ]
    return {name: values[name] for name in required}


async def call(site: Site, function: Callable[..., Any], actor: Actor) -> None:
    """Call a function; that the made-up ids do not exist is no failure."""
    try:
        result = function(**arguments(site, function, actor))
        if inspect.isawaitable(result):
            await result
    except Forbidden:
        raise
    except HogsendError:
        pass


@pytest.mark.parametrize("name", FUNCTIONS)
async def test_a_service_function_checks_its_permission(site: Site, name: str) -> None:
    function = service_functions()[name]
    for label, actor, permissions in ACTORS:
        if FUNCTIONS[name] not in permissions:
            with pytest.raises(Forbidden):
                await call(site, function, actor)
                pytest.fail(f"{label} may call {name}")
        elif name not in REFUSALS_ONLY:
            await call(site, function, actor)
