"""Checks templates as their recipients would get them: links, images, colours, texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from ..delivery.link_fetch import fetch_links
from ..delivery.template import RenderFailed, Template
from ..delivery.template_checks.check import check_mail
from ..delivery.template_checks.finding import CheckedMail, Finding
from ..delivery.template_checks.links import list_web_links
from ..delivery.template_context import build_scope
from ..delivery.template_trial import SAMPLE_CONTACT, find_unguarded
from ..domain.event import Event
from ..domain.journey import BrokenFile
from ..errors import NotFound
from .actor import Actor, Permission
from .templates import TemplateContext, get_template

__all__ = ["Finding", "check_links", "check_template", "check_templates"]


def check_templates(context: TemplateContext, actor: Actor) -> list[Finding]:
    """Return what is wrong with all templates, those that cannot be used included.

    Raises:
        Forbidden: the actor may not read.
    """
    actor.require(Permission.READ)
    templates = context.content.templates
    findings = [_describe_broken(broken) for broken in templates.broken]
    for key in sorted(templates.by_key):
        findings += _check(context, templates.by_key[key])
    return findings


def check_template(context: TemplateContext, actor: Actor, key: str) -> list[Finding]:
    """Return what is wrong with a template and its translations, errors first.

    Raises:
        Forbidden: the actor may not read.
        NotFound: there is no template with this key.
    """
    actor.require(Permission.READ)
    templates = context.content.templates
    findings = [
        _describe_broken(broken)
        for broken in templates.broken
        if PurePosixPath(broken.file).name.partition(".")[0] == key
    ]
    if key in templates.by_key:
        findings += _check(context, templates.by_key[key])
    elif not findings:
        raise NotFound(f"There is no template {key!r}.")
    return findings


async def check_links(context: TemplateContext, actor: Actor, key: str) -> list[Finding]:
    """Return the links of a template, and of its translations, that lead nowhere.

    Their web servers are asked.

    Raises:
        Forbidden: the actor may not read.
        NotFound: there is no usable template with this key.
    """
    template = get_template(context, actor, key)
    sources: dict[str, Template] = {}
    for variant in template.variants:
        mail = _render(context, template, variant)
        for url in list_web_links(mail) if isinstance(mail, CheckedMail) else ():
            sources.setdefault(url, variant)
    problems = await fetch_links(list(sources))
    return [
        _place(
            Finding(
                "link", "error", f"A link does not work: {problem}.", "Correct its address.", url
            ),
            sources[url],
        )
        for url, problem in problems.items()
    ]


def _check(context: TemplateContext, template: Template) -> list[Finding]:
    findings = [
        Finding(
            "missing-value",
            "error" if use.is_in_sample else "warning",
            use.problem,
            use.remedy,
            use.variable,
            use.file,
            use.line,
        )
        for use in find_unguarded(template)
    ]
    for variant in template.variants:
        findings += _check_variant(context, template, variant)
    return sorted(dict.fromkeys(findings), key=lambda finding: finding.level)


def _check_variant(
    context: TemplateContext, template: Template, variant: Template
) -> Iterator[Finding]:
    mail = _render(context, template, variant)
    findings: Sequence[Finding] = [mail] if isinstance(mail, Finding) else check_mail(mail)
    yield from (_place(finding, variant) for finding in findings)


def _render(
    context: TemplateContext, template: Template, variant: Template
) -> CheckedMail | Finding:
    """Return a mail for the made-up recipient of previews, or why it cannot be rendered."""
    renderer, now = context.content.renderer, context.clock.now()
    mail_list = context.content.registry.lists.get(template.list_id or "")
    try:
        sent = renderer.preview(template.key, now, language=variant.language)
        written = renderer.preview(template.key, now, language=variant.language, is_tracked=False)
        preheader = _render_preheader(variant)
    except RenderFailed as error:
        return Finding(
            "render", "error", f"The mail cannot be rendered: {error.reason}.", "Correct the file."
        )
    return CheckedMail(
        subject=written.subject,
        preheader=preheader,
        html=written.html,
        text=written.text,
        weight=len(sent.html.encode()),
        base_url=renderer.base_url,
        is_transactional=mail_list is not None and mail_list.transactional,
    )


def _render_preheader(variant: Template) -> str | None:
    event = Event(SAMPLE_CONTACT.id, "preview", variant.sample)
    scope = build_scope(SAMPLE_CONTACT, event, variant.sample)
    return variant.render_line("preheader", scope | {"language": variant.language})


def _place(finding: Finding, variant: Template) -> Finding:
    """Return a finding with its file, and the line if the text is in the file as it is."""
    if finding.check == "subject":
        return replace(finding, file=variant.file, line=variant.line_numbers.get("subject", 0))
    if finding.check == "preheader":
        return replace(finding, file=variant.file, line=variant.line_numbers.get("preheader", 0))
    index = variant.source.find(finding.text) if finding.text else -1
    body = variant.line_numbers.get("body", 1)
    line = body + variant.source.count("\n", 0, index) if index >= 0 else 0
    return replace(finding, file=variant.file, line=line)


def _describe_broken(broken: BrokenFile) -> Finding:
    return Finding(
        "file", "error", broken.problem, broken.remedy, file=broken.file, line=broken.line
    )
