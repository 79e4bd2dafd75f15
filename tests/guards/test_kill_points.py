"""Every transaction of a worker is a point at which the crash test kills it."""

from __future__ import annotations

import ast
from pathlib import Path

import hogsend
from hogsend.compat.cpython import parse_source
from tests.promises.crash.kill_points import TRANSACTIONS

APP = Path(hogsend.__file__).parent
# Code that does not run in a worker, or only for a person at a screen.
NOT_IN_A_WORKER = ("cli", "testing", "web", "store")
# The only services whose actions the crash test runs in a worker.
SERVICES = "services."
TESTED_SERVICES = ("services.bulk_actions.", "services.enrollment_actions.")
# Code that runs only with several workers or with Hatchet, while these tests have one worker on
# SQLite. `test_several_workers.py` and the tests of the engines kill those.
NOT_WITH_ONE_WORKER = (
    "process.worker_registry.",
    "engines.leases.",
    "engines.hatchet.",
    "delivery.due_sends.DueSends._lease",
)
# Reports about mails, whose order and repetition `tests/delivery/feedback/` tries.
FEEDBACK = ("delivery.feedback.", "delivery.breach_check.")
# Erasures, which `tests/ingest/test_erasing.py` ends at each of their steps.
ERASURES = ("ingest.erasing.",)


def test_every_transaction_of_a_worker_has_a_name() -> None:
    openers = {
        name
        for name in transaction_openers()
        if not name.startswith((*NOT_WITH_ONE_WORKER, *ERASURES, *FEEDBACK))
        and (not name.startswith(SERVICES) or name.startswith(TESTED_SERVICES))
    }
    assert openers == {*TRANSACTIONS}


def transaction_openers() -> set[str]:
    """Return the functions that open a transaction, as `module.Class.function`."""
    openers: set[str] = set()
    for file in APP.rglob("*.py"):
        parts = file.relative_to(APP).with_suffix("").parts
        if parts[0] in NOT_IN_A_WORKER:
            continue
        for name, function in list_functions(parse_source(file.read_text())):
            if any(isinstance(n, ast.Call) and opens_transaction(n) for n in ast.walk(function)):
                openers.add(".".join((*parts, name)))
    return openers


def list_functions(tree: ast.Module) -> list[tuple[str, ast.AST]]:
    """Return the functions of a file and the methods of its classes, with their names."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    functions: list[tuple[str, ast.AST]] = [(n.name, n) for n in tree.body if isinstance(n, kinds)]
    for owner in tree.body:
        if isinstance(owner, ast.ClassDef):
            functions += [(f"{owner.name}.{n.name}", n) for n in owner.body if isinstance(n, kinds)]
    return functions


def opens_transaction(call: ast.Call) -> bool:
    """Return whether a call opens a transaction."""
    return isinstance(call.func, ast.Attribute) and call.func.attr == "transaction"
