"""A template is compiled only if nothing computes with its printed output."""

from __future__ import annotations

import jinja2
import pytest

from hogsend.delivery.compiled_mail.template_check import can_be_compiled

PARTS = {
    "_parts.html": "Pieces.{% set accent = 'red' %}{% macro box(x) %}{{ x }}{% endmacro %}",
    "_layout.html": "{% macro head(x) %}{{ x }}{% endmacro %}{{ head(1) }}"
    "{% block body %}{% endblock %}",
    "_loud.html": "{{ subject }}{% macro box(x) %}{{ x }}{% endmacro %}",
    "_wrapping.html": "{% from '_parts.html' import box %}{% set plain = 1 %}",
}
FROM_PARTS = "{% from '_parts.html' import box, accent %}"
IMPORT_PARTS = "{% import '_parts.html' as parts %}"


def check(source: str) -> bool:
    environment = jinja2.Environment(autoescape=True)
    files = PARTS | {"mail.html": source}
    return can_be_compiled("mail.html", lambda name: environment.parse(files[name]))


@pytest.mark.parametrize(
    "source",
    [
        "Hi {{ contact.properties.name | upper }}",
        "{% extends '_layout.html' %}{% block body %}{{ super() }}{{ props.x }}{% endblock %}",
        FROM_PARTS + "{{ box(props.x) }}<i style='color:{{ accent }}'>{{ accent ~ 1 }}</i>",
        IMPORT_PARTS + "{% for x in props.all %}{{ parts.box(x) }}{{ loop.index + 1 }}{% endfor %}",
        "{% macro m() %}<p>{{ caller() }}{% endmacro %}{% call m() %}{{ props.x }}{% endcall %}",
        "{% include '_loud.html' %}",
        "{% from '_wrapping.html' import plain %}{{ plain + 1 }}",
        "{% block a %}{{ props.x }}{% endblock %}{{ self.a() }}",
    ],
)
def test_a_template_that_only_prints_values_can_be_compiled(source: str):
    assert check(source)


@pytest.mark.parametrize(
    "source",
    [
        FROM_PARTS + "{{ box(props.x) | upper }}",
        FROM_PARTS + "{{ box(props.x) ~ '!' }}",
        FROM_PARTS + "{{ box(box(props.x)) }}",
        FROM_PARTS + "{% set b = box(props.x) %}{{ b }}{{ b }}",
        FROM_PARTS + "{% set make = box %}{{ make(props.x) | length }}",
        FROM_PARTS + "{% if box(props.x) == 'x' %}y{% endif %}",
        FROM_PARTS + "{% include '_layout.html' %}{% if head(1) %}y{% endif %}",
        "{% from '_wrapping.html' import box as b %}{{ b(1) | upper }}",
        IMPORT_PARTS + "{{ parts.box(props.x) | upper }}",
        IMPORT_PARTS + "{{ parts['box'](props.x) }}",
        IMPORT_PARTS + "{{ parts }}",
        "{% from '_loud.html' import box %}{{ box(1) }}",
        "{% set x %}{{ props.x }}{% endset %}{{ x | length }}",
        "{% filter upper %}{{ props.x }}{% endfilter %}",
        "{% autoescape false %}{{ props.x }}{% endautoescape %}",
        "{% extends '_layout.html' %}{% block body %}{{ super() | upper }}{% endblock %}",
        "{% block a %}{{ props.x }}{% endblock %}{% if self.a() %}y{% endif %}",
        "{% macro m() %}{{ caller() | upper }}{% endmacro %}{% call m() %}x{% endcall %}",
        "{% for x in props.all recursive %}{{ x }}{{ loop(x) | upper }}{% endfor %}",
        "{% include props.file %}",
        "{% import props.file as parts %}",
    ],
)
def test_a_template_that_computes_with_its_output_cannot_be_compiled(source: str):
    assert not check(source)
