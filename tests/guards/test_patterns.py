"""Every regular expression takes linear time, whatever text it gets.

A pattern that takes quadratic time stops the whole process for half a minute when a stranger sends
100 kB of one character. The patterns are found in the syntax trees; `WORST` must have a row for
each, so that the author of a pattern thinks about the text that is worst for it.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hogsend.compat.cpython import parse_source
from hogsend.config import parsing

APP = Path(__file__).parents[2] / "app"
TREES = {
    ".".join(file.relative_to(APP).with_suffix("").parts): parse_source(file.read_text())
    for file in sorted(APP.rglob("*.py"))
}
FUNCTIONS = frozenset(
    ("compile", "search", "match", "fullmatch", "split", "findall", "finditer", "sub", "subn")
)
# Characters of every kind; the marks in the pattern itself are added to them.
CHARACTERS = "a1 \n\0é\ud800"
LENGTH = 102_400
# A linear pattern needs about a hundredth of a second for a text of full length, a quadratic one
# more than a minute. Only the time of this thread on the processor counts.
MOST_SECONDS = 0.5

# For each pattern texts that are nearly what it looks for: a beginning, and what is repeated after
# it, separated by `…`. Single characters alone are always tried.
WORST: Mapping[str, tuple[str, ...]] = {
    "cli.compose_ports._IN_USE": ("port is already …port is already ",),
    "cli.compose_ports.find_refused": (":…1", ":1…:1"),
    "cli.compose_project._SAFE_IN_URL": ("a…%",),
    "cli.docker.Docker.read_versions": ("1…1", "1.…1"),
    "cli.doctor.hatchet._check_version": ("v1.1.…1", "v…1."),
    "cli.env_file._PLAIN": ("a…$",),
    "cli.env_file._assigns": (" …\t ", "export …\t", " export NAME…\t"),
    "config.parsing.build_pattern_parser.parse": (
        "sqlite://…:memory",
        "postgres://…\n",
        "smtp://…/\n",
        "a:a…:",
        "a.…a.",
        "Ada <a@…a.",
        "Ada <…a@",
        "a@a…@",
        "hsk_…k",
    ),
    "config.mail_setting._NAMED": ("a…A",),
    "config.mail_setting._PART": ("smtp://…\t", "a…:", "a:a…:", "ab…:"),
    "config.parsing.parse_base_url": ("https://…a",),
    "config.parsing.parse_bind": ("[…:", "[…:]", "a…:1"),
    "config.parsing.parse_count": ("…1",),
    "config.parsing.parse_days": ("…1",),
    "config.parsing.parse_event_names": ("a…,",),
    "delivery.compiled_mail.placeholders.PLACEHOLDER": ("…a\uf0000",),
    "delivery.compiled_mail.placeholders._ALL_PLACEHOLDERS": ("…a\uf0000",),
    "delivery.compiled_mail.positions._OPEN_MARKUP": ("…&a", "…<a", "&…a", "<…/#", "…&\n"),
    "delivery.dkim.signature._FOLD": ("\r\n…a", "…\r", "…\r\n"),
    "delivery.dkim.signature._RUN_OF_SPACE": ("a…\t ", " …a"),
    "delivery.feedback.classification._DIGITS": ("…550", "…5", "550…-", "550…byte", "550 …-"),
    "delivery.feedback.classification._ENHANCED": ("…5.1.1", "5.…1.", "…5.1.", "5.1.…1"),
    "delivery.feedback.delivery_status._ESCAPED": ("…\\x{", "\\x{…A", "…\\x{AA"),
    "delivery.feedback.delivery_status._STATUS": ("…5.1", "5.1.…1", "…5.1."),
    "delivery.feedback.free_text._ADDRESS": ("…a", "…@", "a@…a.", "a@a…-", "…a@a"),
    "delivery.feedback.inbound._LINK": ("/u/…a", "…/u/", "…/u/a"),
    "delivery.feedback.inbound._SOFT_BREAK": ("…=", "…=\r", "…\r", "…\n"),
    "delivery.feedback.return_path._TOKEN": ("+…a", "…+", "…+a"),
    "delivery.feedback.mail_parts._TAG": ("…<", "<…a", "…<a"),
    "delivery.front_matter._FIELD": ("a:… \t", "a…:", "subject: …a\n"),
    "delivery.links._HOST": ("http://…a@", "http://…@", "…http://", "http://a…:"),
    "delivery.links._NORMAL": ("http://a…[", "…http://", "http://a…é"),
    "delivery.markup._ATTRIBUTE_REGEX": (
        "a…= ",
        "a… =",
        "a= …'",
        'a="…a',
        "…a=",
        "…a ",
        "…a='",
        "a …\t =",
        "…=",
    ),
    "delivery.markup._ATTRIBUTE_WITHOUT_GROUPS": ("?P<…a", "…?P<"),
    "delivery.markup._MARKUP": (
        "…<a",
        "<a …a=",
        "<a …a ",
        "<a …a='",
        "<a …/",
        "<a…= ",
        "…<!--",
        "<!--…--!",
        "<!--…-",
        "<!…<!",
        "…</",
        "…</a ",
        "…<a href='",
        "…<?",
    ),
    "delivery.markup._RAW_ENDS": ("…</script", "</script…x</script"),
    "delivery.markup._REFERENCE": ("&…a", "&#…1", "&#x…f", "…&", "…&#x"),
    "delivery.mime._CONTROLS": ("a…é",),
    "delivery.mime._SPECIALS": ("a…b",),
    "delivery.plain_text._BREAK": ("\ue003 …\ue003 ", " …\ue003", "\ue000…\ue003\ue003 "),
    "delivery.plain_text._HIDDEN": ("display…\t ", "…display ", "display:…\t ", "…display:"),
    "delivery.plain_text._NO_WIDTH": ("a…\u200c", "…\u200d\u200c", "\u200c…\u200c", "…\xad"),
    "delivery.plain_text._SPACES": ("a…a ", " …\t", "…  a"),
    "delivery.providers.smtp_envelope._PLAIN": ("a@…a.", "a…@", "…a@a"),
    "delivery.providers.smtp_envelope._UNSAFE": ("a…é",),
    "delivery.providers.smtp_replies._ABOUT_POLICY": ("…reputatio", "…spf", "…spf-", "…dnsb"),
    "delivery.providers.smtp_replies._ABOUT_SIZE": ("…size", "…siz", "…larg "),
    "delivery.providers.smtp_replies._ABOUT_QUOTA": ("…mailbox ", "…storage ", "…exceed", "…full "),
    "delivery.providers.smtp_replies._ENHANCED_AFTER_WORDS": ("…(#5.", "…(#5.1.", "…(#5.1.1"),
    "delivery.providers.smtp_replies._ENHANCED": ("…\t ", " #5.1.…1", "#…5.1."),
    "delivery.providers.ses._REGION": ("eu-…west-", "eu-we…s", "…eu"),
    "delivery.providers.webhook_reading._CODE": ("…5.1.", "…5.", "5.1.…1", "…5.1.1."),
    "delivery.providers.webhook_reading._DIGITS": ("…\t ", "55…0"),
    "delivery.providers.webhook_reading._FRACTION": ("…1", "….123456", ".…123456"),
    "delivery.providers.smtp_replies._QUEUE_IDS": (
        "queued as …a",
        "…queued as ",
        "…id=",
        "…id=aaaaaa",
        "ok …a",
        "ok aaaaaa…\t ",
        "2.0.0 ok aaaaaa…a ",
        "id=" + "a" * 300 + "…id=" + "a" * 300,
    ),
    "delivery.jinja_text._EXPRESSION": ("…{{", "{{…}", "…{{ }"),
    "delivery.jinja_text._NOT_A_LINE_BREAK": ("…\n",),
    "delivery.jinja_text._STATEMENT": ("…{%", "…{#", "{%…%", "…{% #}"),
    "delivery.styles._DOCTYPE": (
        "…<!doctype",
        "…<!--",
        "<!--…-->",
        "<!--…--",
        "…<?>",
        "…<? ",
        "…<!-- --> ",
        " …\t",
        "<!doctype…a",
    ),
    "delivery.styles._EVERY_SCREEN": ("…\t ", "only…\t ", "…screen"),
    "delivery.styles._STYLE_WITH_MEDIA": ("…<style ", "<style …medi ", "…<style medi", "<style …-"),
    "delivery.local_files._CONTENT_ID": ("cid:…0", "cid:0…0", "…cid:"),
    "delivery.mjml._ESCAPED": ("a…é",),
    "delivery.mjml._LABEL": ('<div aria-label="…a', '…<div aria-label="'),
    "delivery.mjml._MARKED": ("hs7q…q", "hs7…0", "…hs7"),
    "delivery.mjml._POSITION": ("at position …1", "at position 1:…1a", "…at position 1"),
    "delivery.mjml_check._LOOSE_SIGN": ("…<a", "a…<"),
    "delivery.template_files._KEY": ("a…a/", "a…A"),
    "domain.address._MAILBOX": ("…<a", "a <…a", "a …<>", "…a <"),
    "domain.address._PLAIN": ("a@…a.", "a@…a-", "a@a.…a", "…a@a.", "a@…é.", "a….a", "a@…1."),
    "domain.address._PLAIN_LOCAL_PART": ("a….a", "…a.", "a…+"),
    "domain.address._SURROGATE": ("a…é",),
    "domain.address.parse_mailbox": ("…\\\n", "\\…\\"),
    "domain.dkim_key._NAME": ("a…a.", "a…-.", "…a.", "a.…--", "…a_"),
    "domain.engagement._MACHINE": ("…bo", "…urldefens", "…facebookexternalhi", "python…-"),
    "domain.engagement._PHONE": ("Android…Android", "Android…a", "…Mobile Safar", "Android…Mobil"),
    "domain.engagement._PREFETCH": ("…GoogleImagePro", "…ggpht."),
    "domain.sending_policy._HOST": ("a….", "a.…-", "…a.-", "a-…_"),
    "domain.sending_policy._PROVIDER_NAME": ("a…A",),
    "domain.step_key.StepKey._matches": ("step:…:", "step:…a", "step:…:\n"),
    "domain.step_key._NUMBERED": ("a#…1", "…a#1", "…#", "a#1…#1a"),
    "domain.journal._NUMBERED": ("a#…1", "…#1", "#…1a", "#1…#1a"),
    "domain.times._OFFSET": ("UTC+…1", "…UTC+"),
    "domain.times._TIME": ("12:30:…1", "…12:"),
    "domain.header_text._CONTROLS": ("a…é",),
    "domain.header_text._WHITE_SPACE": ("…\t ", "…\u2028", "…a "),
    "process.redaction._ADDRESS": (
        "a@…a.",
        "a@…a@",
        "a@…@",
        "a@….",
        "…a@",
        "…a@.",
        "…a.",
        "a%…25",
        "…%25",
        "a…%40",
        "…a%40",
        "a…%4",
    ),
    "process.redaction._CREDENTIALS": ("…://", "://…a", "://…@", "://a@…a"),
    "process.redaction._HEADER": (
        "…cookie",
        "cookie…'",
        "cookie… ",
        "cookie:… ",
        'cookie:"…a',
        "cookie:'…\\",
        "…cookie:",
        "…cookie:'",
        "…cookie'",
        "…authorization ",
        "…cookie\\",
    ),
    "process.redaction._KEY": ("hsk_…a", "…hsk_", "…eyJ", "eyJ…a.", "…eyJaaaaaaaa."),
    "process.redaction._PARAMETER": (
        "…token",
        "token…a",
        "token…' ",
        "token… ",
        "token=…a",
        "…token=",
        "…token='",
        "…csrf",
        '…token"',
        "…token ",
    ),
    "process.redaction._SCHEME": ("…bearer ", "bearer… ", "bearer …a", "…bearer"),
    "process.redaction._TOKEN_PATH": ("/u/…a", "…/u/", "…/u/a", "…%2Fu", "/u/…a/", "%2Fu%2F…a%2F"),
    "services.masked_mail._PARAMETER": (
        "…?",
        "…?token",
        "?…token",
        "?token=…a",
        "…&t=",
        "…&key=a",
        "…%26",
        "?…a-",
    ),
    "services.masked_mail._TOKEN_PATH": ("/u/…a", "…/u/", "…/u/a", "…%2Fu", "%2Fu%2F…a%2F"),
    "store.dialects._PLACEHOLDER": ("…IN ", "IN …IN"),
    "store.dialects._VALUES": ("VALUES (…a", "…VALUES (", "VALUES …("),
    "testing.timeline._OWN_FRAMES": (
        '…  File "',
        '  File "a"…\n',
        '  File "a"\n…    a\n',
        '  File "a"\n…    ',
    ),
    "turns.calls.sleep._UNLABELLED": ("…1", "1 days, …1", "1:00:00.…1", "1…:00"),
    "turns.declared_journeys._DECORATOR": ("@…hogsend.", "…@hogsend."),
    "turns.declared_journeys._ID_ARGUMENT": ("id … ", "id =… ", '"…a\n'),
    "turns.declared_journeys._TRIGGER_ARGUMENT": (
        "…trigger ",
        "trigger… ",
        "trigger=… ",
        "trigger=on(… ",
        'trigger="…a',
    ),
    "turns.definition_checks.ID": ("a…-a", "a…-", "a…--", "…a-a_"),
    "web.api.openapi._VARIABLE": ("<…a", "<a:…<a:", "<a:a…a"),
    "web.admin.mail_parts._HEAD": ("…<head", "<head…a", "…<head "),
    "web.admin.mail_parts._IMAGE": ("…<img ", "<img …a", "<img …src='"),
    "web.api.events_fast_path._REQUEST_ID": ("…a", "a…é"),
    "web.client_address._FORWARDED_FOR": ("…for=", "for=…a", '…for="', "…for"),
    "web.request_check._HOST": ("…a.", "a…-", "a:…1", "[…:", "a.…."),
}
# Patterns that are put together while the program runs.
DYNAMIC: Mapping[str, tuple[str, ...]] = {
    "cli.env_file._assigns": (r"\s*(?:export\s+)?NAME\s*=",),
    "config.parsing.build_pattern_parser.parse": tuple(
        inspect.getclosurevars(parser).nonlocals["pattern"]
        for parser in vars(parsing).values()
        if getattr(parser, "__qualname__", "") == "build_pattern_parser.<locals>.parse"
    ),
    "domain.sending_policy._HOST": ("a….", "a.…-", "…a.-", "a-…_"),
    "domain.sending_policy._PROVIDER_NAME": ("a…A",),
    "domain.step_key.StepKey._matches": (r"step:.*:.*",),
}


@dataclass(frozen=True, slots=True)
class Site:
    """A place where a pattern is written.

    Args:
        name: the module, and the variable or function, such as `domain.times._TIME`.
        call: the call of `re`.
    """

    name: str
    call: ast.Call


def find_sites() -> Iterator[Site]:
    """Yield every call of a function of `re` in the program."""
    for module, tree in TREES.items():
        module = module.removeprefix("hogsend.")
        for statement in tree.body:
            match statement:
                case ast.Assign(targets=[ast.Name(id=variable)]):
                    yield from _find_in(statement, f"{module}.{variable}")
                case ast.AnnAssign(target=ast.Name(id=variable)):
                    yield from _find_in(statement, f"{module}.{variable}")
                case _:
                    yield from _find_in(statement, module)


def _find_in(node: ast.AST, name: str) -> Iterator[Site]:
    match node:
        case (
            ast.FunctionDef(name=inner)
            | ast.AsyncFunctionDef(name=inner)
            | ast.ClassDef(name=inner)
        ):
            name = f"{name}.{inner}"
        case ast.Call(func=ast.Attribute(value=ast.Name(id="re"), attr=attr)) if attr in FUNCTIONS:
            yield Site(name, node)
        case _:
            pass
    for child in ast.iter_child_nodes(node):
        yield from _find_in(child, name)


SITES = list(find_sites())


def test_re_is_used_by_its_name() -> None:
    """Otherwise a pattern could be missed."""
    for module, tree in TREES.items():
        for node in ast.walk(tree):
            match node:
                case ast.Import(names=names):
                    assert not [a for a in names if a.name == "re" and a.asname], module
                case ast.ImportFrom(module="re" | "regex"):
                    pytest.fail(f"{module} imports from {node.module}; use re.compile(…)")
                case _:
                    pass


def test_every_pattern_has_a_row() -> None:
    """Which text is nearly what the pattern looks for, and can be long? Add it to `WORST`."""
    assert not sorted({site.name for site in SITES} - set(WORST))


def list_patterns(site: Site) -> list[re.Pattern[Any]]:
    """Return the compiled patterns of a place."""
    if site.name in DYNAMIC:
        return [re.compile(pattern, re.DOTALL) for pattern in DYNAMIC[site.name]]
    source = site.call.args[0]
    if isinstance(source, ast.Constant):
        flags = [
            getattr(re, node.attr)
            for node in ast.walk(site.call)
            if isinstance(node, ast.Attribute) and node.attr.isupper()
        ]
        text: Any = source.value
        return [re.compile(text, sum(flags))]
    module, _, variable = site.name.rpartition(".")
    value = getattr(importlib.import_module(f"hogsend.{module}"), variable)
    if isinstance(value, re.Pattern):
        return [value]
    return list(value.values() if isinstance(value, Mapping) else value)


def find_methods(site: Site) -> set[str]:
    """Return the methods of `re.Pattern` that the program calls on the patterns of a place."""
    assert isinstance(site.call.func, ast.Attribute)
    if site.call.func.attr != "compile":
        return {site.call.func.attr}
    module, _, variable = site.name.rpartition(".")
    return {
        node.attr
        for name, tree in TREES.items()
        if name == f"hogsend.{module}" or imports_name(tree, variable)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in FUNCTIONS
        if get_base_name(node.value) == variable
    }


def imports_name(tree: ast.Module, name: str) -> bool:
    return any(
        alias.name == name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    )


def get_base_name(node: ast.AST) -> str:
    """Return the name in `NAME` and `NAME[…]`."""
    if isinstance(node, ast.Subscript):
        return get_base_name(node.value)
    return node.id if isinstance(node, ast.Name) else ""


def run(pattern: re.Pattern[Any], method: str, text: Any) -> None:
    """Use a pattern as the program does; a search may be repeated after each match."""
    if method in ("sub", "subn"):
        pattern.sub(text[:0], text)
    elif method == "search":
        for _ in pattern.finditer(text):
            pass
    else:
        for _ in [getattr(pattern, method)(text)]:
            pass


def measure(pattern: re.Pattern[Any], method: str, beginning: str, unit: str) -> tuple[int, float]:
    """Lengthen a text until it is long or takes too long; return its length and the seconds."""
    length = 25
    while True:
        text: Any = beginning + unit * (length // len(unit))
        if isinstance(pattern.pattern, bytes):
            text = text.encode("utf-8", "replace")
        before = time.thread_time()
        run(pattern, method, text)
        seconds = time.thread_time() - before
        if seconds > MOST_SECONDS or length >= LENGTH:
            return length, seconds
        length *= 8


@pytest.mark.parametrize("site", SITES, ids=lambda site: site.name)
def test_a_pattern_takes_linear_time(site: Site) -> None:
    texts = [tuple(row.split("…")) for row in WORST.get(site.name, ())]
    for pattern in list_patterns(site):
        methods = find_methods(site)
        assert methods, "no use of this pattern was found"
        source = pattern.pattern
        written = source.decode("latin-1") if isinstance(source, bytes) else source
        marks = {character for character in written if not character.isalnum()}
        singles = [("", character) for character in sorted(marks | set(CHARACTERS))]
        for method in sorted(methods):
            for beginning, unit in [*texts, *singles]:
                length, seconds = measure(pattern, method, beginning, unit)
                assert seconds <= MOST_SECONDS, (
                    f"{method} took {seconds:.1f} s for {beginning!r} and {length} characters of "
                    f"{unit!r}: {written}"
                )
