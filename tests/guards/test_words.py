"""The project's words: retired names stay away, and a class name has one meaning.

docs/glossary.md lists the terms that are used instead.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from hogsend.compat.cpython import parse_source

TOP = Path(__file__).parents[2]
APP = TOP / "app" / "hogsend"
# Names that a reader has to decipher. Parts of names count too: `_told_of`, `said_to`.
_WORDS = """
    told said made whoever whom everyone mine anew inert spawned door doors postbox crew clockwork
    roster trouble troubles stencil stencils
"""
RETIRED_NAMES = frozenset(_WORDS.split())
# Names that a library gives: asyncio calls this method of a protocol.
EXEMPT = frozenset({"connection_made"})
# Turns of phrase that are not in use any more, in documents, comments and on screens.
RETIRED_PHRASES = re.compile(
    r"\b(whoever|whomever|anew|of late|wants a person|holds at once|owed to|said nothing|"
    r"counts as no open|nobody who is stuck|it is told|are told of|what became of)\b",
    re.IGNORECASE,
)


def python_files(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((TOP / folder).rglob("*.py"))


def names_in(file: Path) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of every name of a file, those in f-strings included."""
    for node in ast.walk(parse_source(file.read_text())):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name):
                yield node.lineno, name
            case ast.arg(arg=name) | ast.keyword(arg=str(name)):
                yield node.lineno, name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield node.lineno, name
            case ast.ClassDef(name=name):
                yield node.lineno, name
            case ast.alias(name=name, asname=alias):
                yield node.lineno, alias or name.rpartition(".")[2]
            case _:
                continue


def test_no_retired_word_is_a_name():
    uses = [
        f"{file.relative_to(TOP)}:{line} {name}"
        for file in python_files("app", "tests", "benchmarks", "journeys")
        for line, name in names_in(file)
        if RETIRED_NAMES.intersection(name.lower().split("_")) and name not in EXEMPT
    ]
    assert not uses, f"{len(uses)} uses of retired words, such as {uses[:20]}"


# Locals that hold anything say nothing about what they hold.
CATCH_ALL_LOCALS = frozenset({"found", "given", "one"})
OUR_CODE = ("app", "tests", "benchmarks")


def test_functions_are_not_named_after_what_they_are_of():
    """`load_contact` says what the function does, `contact_of` does not."""
    functions = [
        f"{file.relative_to(TOP)}:{node.lineno} {node.name}"
        for file in python_files(*OUR_CODE)
        for node in ast.walk(parse_source(file.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        # The name of a test is a sentence.
        if node.name.endswith("_of") and not node.name.startswith("test_")
    ]
    assert not functions


def test_locals_are_named_after_what_they_hold():
    uses = [
        f"{file.relative_to(TOP)}:{node.lineno} {node.id}"
        for file in python_files(*OUR_CODE)
        for node in ast.walk(parse_source(file.read_text()))
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        if node.id in CATCH_ALL_LOCALS
    ]
    assert not uses


def test_no_retired_phrase_is_written():
    files = [TOP / "README.md", *(TOP / "docs").rglob("*.md"), *(TOP / "web").rglob("*.html")]
    files += [*python_files("app", "tests", "benchmarks"), *(TOP / "journeys").rglob("*.html")]
    uses = [
        f"{file.relative_to(TOP)}:{number} {match[0]}"
        for file in files
        if file != Path(__file__)
        for number, line in enumerate(file.read_text().splitlines(), 1)
        for match in RETIRED_PHRASES.finditer(line)
    ]
    assert not uses, f"{len(uses)} uses of retired phrases, such as {uses[:20]}"


def test_a_class_name_has_one_meaning():
    modules: dict[str, list[str]] = defaultdict(list)
    for file in python_files("app"):
        for node in parse_source(file.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                modules[node.name].append(str(file.relative_to(APP)))
    assert not {name: files for name, files in modules.items() if len(files) > 1}


def test_every_term_of_the_glossary_has_one_sentence():
    glossary = (TOP / "docs" / "glossary.md").read_text()
    rows = re.findall(r"^\| (?!term|---)([^|]+) \| ([^|]+) \|$", glossary, re.MULTILINE)
    terms = [term for term, _ in rows]
    assert len(terms) > 50
    assert len(set(terms)) == len(terms)
    assert not [term for term, meaning in rows if not meaning.endswith(".")]
