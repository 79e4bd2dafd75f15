"""Templates in MJML, which become HTML like that of other templates."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hogsend.delivery.mjml import InvalidMjml, convert_mjml
from hogsend.delivery.mjml_check import find_mjml_problem
from hogsend.delivery.template import RenderFailed
from hogsend.delivery.templates import Templates
from tests.delivery.test_render import ADA, LISTS, NOW, make_send
from tests.delivery.test_translations import make_renderer

BODY = "<mjml><mj-body><mj-section><mj-column>{}</mj-column></mj-section></mj-body></mjml>"
FAMILY = "\U0001f469‍\U0001f469‍\U0001f467"


@pytest.mark.parametrize(
    ("element", "expected"),
    [
        ('<mj-image src="https://example.com/a.png" alt="a \\ b" />', 'alt="a \\ b"'),
        (f'<mj-image src="https://example.com/a.png" alt="{FAMILY}" />', f'alt="{FAMILY}"'),
        ('<mj-text><a title=\'say "hi"\' href="x">x</a></mj-text>', "say &quot;hi&quot;"),
        ('<mj-text><a title="two\nlines" href="x">x</a></mj-text>', 'title="two lines"'),
        ("<mj-text>hs7e100z and <b>bold</b></mj-text>", "hs7e100z and <b>bold</b>"),
        ("<mj-raw><p>as it is</p></mj-raw>", "<p>as it is</p>"),
        ('<mj-button href="https://example.com/?a=1&amp;b=2">Go</mj-button>', "?a=1&amp;b=2"),
    ],
)
def test_an_element_keeps_what_is_written_in_it(element: str, expected: str):
    html = convert_mjml(BODY.format(element), "de")
    assert expected in html
    assert '<html lang="de"' in html
    assert "fonts.googleapis.com" not in html, "no font is loaded that nobody asked for"


@pytest.mark.parametrize(
    ("markup", "line", "problem"),
    [
        ("<mjml>\n<mj-body>\n<mj-section>\n</mj-body></mjml>", 3, "<mj-section> of line 3"),
        (BODY.format("<mj-text>\n\n<p>x</mj-text>"), 3, "<p> of line 3"),
        (BODY.format("\n<mj-text><a href=x>x</a></mj-text>"), 2, "has no quotes"),
        (BODY.format("\n<mj-text>a < b</mj-text>"), 2, "“<” begins no tag"),
        ("Hello", 1, "cannot be read"),
    ],
)
def test_an_error_names_its_line(markup: str, line: int, problem: str):
    with pytest.raises(InvalidMjml) as raised:
        convert_mjml(markup, "en")
    assert raised.value.line == line
    assert problem in raised.value.problem


def test_an_element_that_mjml_does_not_have_is_named_with_a_suggestion():
    problem = find_mjml_problem("<mjml>\n<mj-body><mj-colum /></mj-body></mjml>")
    assert problem == (2, "There is no element <mj-colum> in MJML.", "Did you mean <mj-column>?")


FRONT = "---\nsubject: Hello\n---\n"


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("<mjml>\n<mj-body>\n<mj-sektion></mj-sektion></mj-body></mjml>", 6),
        (BODY.format("\n<mj-text><p>x</mj-text>"), 5),
    ],
)
def test_a_template_with_an_error_is_broken_at_its_line(tmp_path: Path, body: str, line: int):
    (tmp_path / "emails").mkdir()
    (tmp_path / "emails" / "a.mjml").write_text(FRONT + body, "utf-8")
    (broken,) = Templates.load(tmp_path, ()).broken
    assert (broken.file, broken.line) == ("emails/a.mjml", line)


def test_an_error_that_only_a_rendering_shows_names_the_file_and_blocks_the_mail(tmp_path: Path):
    body = "{% if props.x %}" + BODY.format("\n<mj-text><p>x</mj-text>") + "{% endif %}"
    renderer = make_renderer(tmp_path, {"hello.mjml": FRONT + body})
    with pytest.raises(RenderFailed, match=r"emails/hello\.mjml:5: <p> of line 2"):
        renderer.render(make_send(props={"x": 1}), ADA, None, NOW)


FILES = {
    "hello.mjml": FRONT
    + """<mjml><mj-head><mj-include path="./_head.mjml" />
<mj-include path="_looks.html" type="css" />
<mj-preview>For {{ contact.properties.name }}</mj-preview></mj-head><mj-body>
{% from "_parts.mjml" import button %}{{ button("Go", "https://example.com/" ~ props.x) }}
<mj-include path="_foot" /></mj-body></mjml>""",
    "_head.mjml": '<mj-attributes><mj-class name="loud" color="#aa0000" /></mj-attributes>',
    "_looks.html": ".calm { color: #00aa00 }",
    "_parts.mjml": "{% macro button(words, url) %}<mj-section><mj-column><mj-button "
    'href="{{ url }}">{{ words }}</mj-button></mj-column></mj-section>{% endmacro %}',
    "_foot.mjml": '<mj-section><mj-column><mj-text mj-class="loud"><p class="calm">'
    "{{ contact.properties.name }}</p></mj-text></mj-column></mj-section>",
}


def test_includes_parts_and_macros_have_the_variables_of_the_mail(tmp_path: Path):
    mail = make_renderer(tmp_path, FILES).render(make_send(props={"x": 1}), ADA, None, NOW)
    assert mail.links == ["https://example.com/1"]
    assert "color:#aa0000" in mail.html and "color: #00aa00" in mail.html
    assert "For Ada" in mail.html and "For Ada" not in mail.text
    assert "Ada" in mail.text


@pytest.mark.parametrize("name", ["Ada", "<b>&amp;", "lt;\"'", FAMILY, "a\\b", "ÄÖ ß", " x "])
def test_a_compiled_mail_is_equal_to_the_mail_rendered_in_full(tmp_path: Path, name: str):
    compiled, full = (make_renderer(tmp_path, FILES) for _ in range(2))
    for number in range(3):
        send = make_send(props={"x": number})
        contact = replace(ADA, properties={"name": f"{name}{number}"})
        mail = compiled.render(send, contact, None, NOW)
        for template in full._templates.by_key.values():
            object.__setattr__(template, "is_compilable", False)
        expected = full.render(send, contact, None, NOW)
        assert (mail.html, mail.text, mail.links) == (
            expected.html,
            expected.text,
            expected.links,
        )


def test_a_broken_include_is_named(tmp_path: Path):
    (tmp_path / "emails").mkdir()
    source = FRONT + '<mjml><mj-body>\n<mj-include path="_no.mjml" /></mj-body></mjml>'
    (tmp_path / "emails" / "a.mjml").write_text(source, "utf-8")
    (broken,) = Templates.load(tmp_path, LISTS).broken
    assert "'_no.mjml'" in broken.problem
