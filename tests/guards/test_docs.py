"""What the documents say is there: links, examples, commands, settings, targets and paths."""

from __future__ import annotations

import ast
import inspect
import json
import re
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest

import hogsend
from hogsend import Context, days
from hogsend.cli.main import commands
from hogsend.config.settings import SETTINGS
from hogsend.delivery.templates import FOLDER, Templates
from hogsend.domain import enrollment_decision
from hogsend.domain.enrollment_decision import SkipReason
from hogsend.domain.send_policy import RefusalReason
from hogsend.turns.commit import RETRY_AFTER
from hogsend.turns.context import History
from hogsend.turns.folder_loader import load
from hogsend.turns.registry import Registry
from hogsend.web.api import list_routes

TOP = Path(__file__).parents[2]
DOCS = TOP / "docs"
DECISIONS = sorted((DOCS / "decisions").glob("[0-9]*.md"))
FILES = sorted([*TOP.glob("*.md"), *DOCS.rglob("*.md")])
NAMES = [str(file.relative_to(TOP)) for file in FILES]

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_INLINE = re.compile(r"`([^`\n]+)`")
_HOGSEND = re.compile(r"(?:^|[\s/])hogsend(?= [a-z]+(?:\s|$)| --)(.*)")


@dataclass(frozen=True, slots=True)
class Example:
    """A block of code in a document."""

    file: Path
    number: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.file.relative_to(TOP)}#{self.number}"


def examples(*languages: str) -> list[Example]:
    return [
        Example(file, number, match[1], match[2])
        for file in FILES
        for number, match in enumerate(_FENCE.finditer(file.read_text()), 1)
        if match[1] in languages
    ]


def prose(file: Path) -> str:
    """Return a document without its blocks of code."""
    return _FENCE.sub("", file.read_text())


def anchors(file: Path) -> set[str]:
    """Return the anchors of a document's headings, as the usual hosts make them."""
    plain = (re.sub(r"[^\w\s-]", "", title.lower()) for title in _HEADING.findall(prose(file)))
    return {title.strip().replace(" ", "-") for title in plain}


def section(file: Path, heading: str) -> str:
    """Return what stands under a heading."""
    _, _, rest = file.read_text().partition(f" {heading}\n")
    return re.split(r"^#", rest, maxsplit=1, flags=re.MULTILINE)[0]


# -- links --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_every_link_leads_somewhere(name: str):
    file = TOP / name
    dead: list[str] = []
    for target in _LINK.findall(prose(file)):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        linked_file = (file.parent / path) if path else file
        if not linked_file.exists() or (anchor and anchor not in anchors(linked_file)):
            dead.append(target)
    assert not dead


def test_every_document_can_be_found_from_the_index():
    reached: set[Path] = set()
    waiting = [DOCS / "index.md"]
    while waiting:
        file = waiting.pop().resolve()
        if file in reached or file.suffix != ".md":
            continue
        reached.add(file)
        targets = (t.partition("#")[0] for t in _LINK.findall(prose(file)) if "://" not in t)
        waiting += [file.parent / target for target in targets if target]
    assert {file.resolve() for file in FILES} <= reached


def test_decisions_are_numbered_without_gaps_and_listed():
    numbers = [int(file.name[:4]) for file in DECISIONS]
    assert numbers == list(range(1, len(numbers) + 1))
    listed = (DOCS / "decisions" / "README.md").read_text()
    for file in DECISIONS:
        title = file.read_text().splitlines()[0]
        assert title.startswith(f"# {file.name[:4]}: ")
        assert f"[{file.name[:4]}]({file.name})" in listed
        assert "## Context" in file.read_text()
        assert "## Decision" in file.read_text()
        assert "## Consequences" in file.read_text()


# -- examples -----------------------------------------------------------------------------------


@pytest.mark.parametrize("example", examples("python"), ids=str)
def test_python_in_a_document_is_python(example: Example):
    ast.parse(example.text)


@pytest.mark.parametrize("example", examples("json"), ids=str)
def test_json_in_a_document_is_json(example: Example):
    assert json.loads(example.text)


@pytest.fixture
def forget_journeys() -> Iterator[None]:
    """Forget the modules of authors, so that the next test can load its own folder."""
    yield
    for name in [
        module_name for module_name in sys.modules if module_name.split(".")[0] == "journeys"
    ]:
        del sys.modules[name]


AUTHORS = [
    example
    for example in examples("python")
    if example.file.name in ("README.md", "journeys.md") and "hogsend" in example.text
]


def loaded(folder: Path, example: Example) -> Registry:
    """Load an example as a file of a project that has the shipped lists."""
    (folder / "lists.py").write_text((TOP / "journeys" / "lists.py").read_text())
    name = "lists.py" if "MailList(" in example.text else "example.py"
    (folder / name).write_text(example.text)
    return load(folder)


@pytest.mark.parametrize("example", AUTHORS, ids=str)
def test_an_example_for_authors_loads(example: Example, tmp_path: Path, forget_journeys: None):
    registry = loaded(tmp_path, example)

    assert not registry.broken
    assert len(registry.journeys) == example.text.count("@journey(")


def test_examples_for_authors_are_found():
    assert sum("@journey(" in example.text for example in AUTHORS) >= 4


def test_the_readme_shows_a_journey_as_it_is_shipped():
    shipped = (TOP / "journeys" / "activation_welcome.py").read_text()
    shown = next(e.text for e in AUTHORS if e.file.name == "README.md")
    assert shown.partition("@journey")[2] == shipped.partition("@journey")[2]


@pytest.mark.parametrize(
    "example", [e for e in examples("html") if e.text.startswith("---")], ids=str
)
def test_a_mail_in_a_document_is_a_template(example: Example, tmp_path: Path):
    folder = tmp_path / FOLDER
    folder.mkdir()
    for part in (TOP / "journeys" / FOLDER).glob("_*"):
        (folder / part.name).write_text(part.read_text())
    suffix = ".mjml" if "_layout.mjml" in example.text else ".html"
    (folder / f"example{suffix}").write_text(example.text)

    templates = Templates.load(tmp_path, ["product-updates"])

    assert templates.keys() == ["example"]
    assert not templates.broken


def test_the_unit_is_the_same_wherever_it_is_shown():
    unit = (DOCS / "hogsend.service").read_text().partition("\n\n")[2]
    shown = {e.file.name: e.text for e in examples("ini")}
    assert shown["deploying.md"] == unit
    assert set(shown["README.md"].splitlines()) <= set(unit.splitlines())


# -- commands, settings, targets, routes ----------------------------------------------------------


def typed(file: Path) -> Iterator[str]:
    """Return what a document tells people to type after `hogsend`."""
    blocks = [e.text for e in examples("", "sh", "ini") if e.file == file]
    for code in [*_INLINE.findall(prose(file)), *"\n".join(blocks).splitlines()]:
        # Who runs it, with sudo or cron, has the same name.
        for part in re.sub(r"(sudo -u|\* \* \*) hogsend ", "", code).split("&&"):
            match = _HOGSEND.search(part)
            if match:
                yield re.split(r"\s[#|>]|…", match[1])[0].strip()


@pytest.mark.parametrize("name", NAMES)
def test_every_command_and_option_exists(name: str):
    for line in typed(TOP / name):
        command: click.Command = commands
        for word in shlex.split(line):
            if word.startswith("-") and word not in ("-h", "--help", "--version"):
                options = {o for p in command.params for o in (*p.opts, *p.secondary_opts)}
                assert word.partition("=")[0] in options, f"hogsend {line}"
            elif isinstance(command, click.Group) and not word.startswith("-"):
                inner = command.get_command(click.Context(command), word)
                assert inner is not None, f"hogsend {line}"
                command = inner


def test_commands_are_found():
    assert "serve --with-worker --reload" in set(typed(DOCS / "journeys.md"))
    assert len([line for name in NAMES for line in typed(TOP / name)]) > 40


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_exists(name: str):
    known = {setting.name for setting in SETTINGS}
    assert set(re.findall(r"\bHOGSEND_[A-Z_]+[A-Z]", (TOP / name).read_text())) <= known


@pytest.mark.parametrize("name", NAMES)
def test_every_make_target_exists(name: str):
    targets = set(re.findall(r"^([a-z-]+):", (TOP / "Makefile").read_text(), re.MULTILINE))
    text = (TOP / name).read_text()
    mentioned = re.findall(r"`make ([a-z-]+)", text)
    mentioned += [
        target
        for block in _FENCE.finditer(text)
        for target in re.findall(r"^make ([a-z-]+)", block[2], re.MULTILINE)
    ]
    assert set(mentioned) <= targets


def test_the_readme_names_how_to_run_and_how_to_test():
    readme = (TOP / "README.md").read_text()
    assert re.search(r"^make run ", readme, re.MULTILINE)
    assert re.search(r"^make test ", readme, re.MULTILINE)


def test_every_route_of_the_api_is_described_and_no_other():
    known = {(route.method, route.path) for route in list_routes() if route.path.startswith("/v1/")}
    pages = [DOCS / "api.md", *sorted((DOCS / "api").glob("*.md"))]
    text = "".join(page.read_text() for page in pages)
    mentioned = set(re.findall(r"`(GET|POST|PUT|PATCH|DELETE) (/v1/[^`?]*)", text))
    assert mentioned == known


# -- tables -------------------------------------------------------------------------------------


def test_the_guide_names_every_call_of_the_context():
    table = section(DOCS / "context.md", "The calls")
    for owner, prefix in ((Context, "ctx"), (History, "ctx.history")):
        for name, call in inspect.getmembers(owner, inspect.iscoroutinefunction):
            assert f"`{prefix}.{name}(" in table
            written = next(line for line in table.splitlines() if f"`{prefix}.{name}(" in line)
            for argument in re.findall(r"(\w+)=", written.split(" | ")[0]):
                assert argument in inspect.signature(call).parameters, written


def test_the_guide_names_every_argument_of_a_journey():
    table = section(DOCS / "journeys.md", "The definition")
    for argument in inspect.signature(hogsend.journey).parameters:
        assert argument == "id" or f"`{argument}`" in table


def test_the_guide_names_every_reason():
    definition = section(DOCS / "journeys.md", "The definition")
    _, _, table = definition.partition("in the order in which they are checked")
    named = [re.findall(r"`(\w+)`", row.split(" | ")[0]) for row in table.splitlines()]
    reasons = [name for names in named for name in names]
    checked = inspect.getsource(enrollment_decision).partition("def _find_refusal_of_journey")[2]
    assert reasons == re.findall(r'return "(\w+)"', checked)
    assert set(reasons) == set(SkipReason.__args__)
    refused = section(DOCS / "journeys.md", "Mails that are not sent")
    for reason in RefusalReason.__args__:
        assert f"`{reason}`" in refused


def test_the_guide_says_when_a_failed_turn_is_tried_again():
    text = " ".join(section(DOCS / "journeys.md", "When something goes wrong").split())
    assert "after 10 seconds, a minute, 5 minutes, 30 minutes and two hours" in text
    seconds = [int(pause.total_seconds()) for pause in RETRY_AFTER]
    assert seconds == [10, 60, 300, 1800, int(days(1).total_seconds() / 12)]


WITH_PATHS = [
    name for name in NAMES if re.search("architecture|decisions|CONTRIBUTING|SECURITY", name)
]


@pytest.mark.parametrize("name", WITH_PATHS)
def test_every_path_of_the_code_exists(name: str):
    text = prose(TOP / name)
    paths = re.findall(
        r"`((?:[\w.-]+/)*[\w.-]+\.(?:py|spec|toml|html|md|yml|yaml)|(?:[\w.-]+/)+)`", text
    )
    roots = (TOP, TOP / "app" / "hogsend")
    assert not [path for path in paths if not any((root / path).exists() for root in roots)]
