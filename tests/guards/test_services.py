"""Pages, routes and commands only parse, call services and show; services check and record."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from hogsend.compat.cpython import parse_source
from tests.guards.test_layers import APP, OURS, find_part, resolve_module

# What pages and commands must not reach past the services.
BEHIND_SERVICES = {"store", "ingest", "turns", "delivery", "engines", "streams"}
# Imports past the services, each with its reason.
ALLOWED = {
    # A recorded call describes itself and links to records; the page only knows their addresses.
    ("hogsend.web.admin.timeline", "hogsend.turns"),
}
SERVICES = sorted((APP / "hogsend" / "services").glob("*.py"))


@pytest.mark.parametrize("part", ["web", "cli"])
def test_pages_and_commands_reach_rows_through_services_only(part: str):
    past = {
        (resolve_module(imported.file), ".".join(imported.module.split(".")[:2])): str(imported)
        for imported in OURS
        if find_part(resolve_module(imported.file)) == part
        and find_part(imported.module) in BEHIND_SERVICES
    }
    assert not [text for pair, text in past.items() if pair not in ALLOWED]


def test_every_exception_is_still_needed():
    used = {
        (resolve_module(imported.file), ".".join(imported.module.split(".")[:2]))
        for imported in OURS
        if find_part(resolve_module(imported.file)) in ("web", "cli")
    }
    assert used >= ALLOWED


def test_pages_and_commands_write_no_audit_entries():
    writing = [
        str(imported)
        for imported in OURS
        if find_part(resolve_module(imported.file)) in ("web", "cli")
        and imported.module.endswith("apply_audited")
    ]
    assert not writing


def test_pages_and_commands_name_no_permission():
    """Which permission something needs is written in services alone."""
    naming = [
        str(imported)
        for imported in OURS
        if find_part(resolve_module(imported.file)) in ("web", "cli")
        and imported.module == "hogsend.services.actor.Permission"
    ]
    assert not naming


@pytest.mark.parametrize("file", SERVICES, ids=lambda file: file.stem)
def test_a_service_function_with_an_actor_uses_it(file: Path):
    """It checks the permission itself, or hands the actor to a function that does."""
    unused = [
        f"{node.name} ({file.name}:{node.lineno})"
        for node in parse_source(file.read_text()).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if "actor" in {argument.arg for argument in node.args.args}
        if "actor" not in {name.id for name in ast.walk(node) if isinstance(name, ast.Name)}
    ]
    assert not unused
