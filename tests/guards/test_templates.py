"""Every template is used, and every address in one leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from quart import Quart
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import RequestRedirect

from hogsend.web import admin, api_description, live, public, sign_in, sign_in_links, tracking
from hogsend.web.pages import get_environment

ROOT = Path(__file__).parents[2]
TEMPLATES = ROOT / "web" / "templates"
STATIC = ROOT / "web" / "static"
FILES = sorted(path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob("*.html"))

_ADDRESS = re.compile(
    r'(?P<name>href|src|action|formaction|hx-get|hx-post|hx-sse:connect)="(?P<value>[^"]*)"'
)
_OURS = re.compile(r"\{\{.*?\}\}|\{%.*?%\}")
# What a template gets from its view as a whole: tested with the view.
_GIVEN = {
    "{{ current_url }}",
    "{{ url }}",
    "{{ action }}",
    "{{ path }}",
    "{{ href }}",
    "{{ frame }}",
    "{{ preferences }}",
}


@pytest.fixture(scope="module")
def routes() -> Quart:
    """All pages, without anything behind them."""
    app = Quart("hogsend")
    for part in (admin, sign_in, sign_in_links, live, public, tracking, api_description):
        app.register_blueprint(part.blueprint)
    return app


def addresses(file: str) -> list[tuple[str, str]]:
    """Return the method and the path of each address of ours, `x` in place of what is filled in."""
    text = (TEMPLATES / file).read_text()
    addresses_in_file: list[tuple[str, str]] = []
    for match in _ADDRESS.finditer(text):
        name, value = match["name"], match["value"]
        if value in _GIVEN or not value.startswith("/"):
            continue
        before = text[: match.start()].rpartition("<")[2]
        posts = name == "hx-post" or (name == "action" and 'method="post"' in before)
        path = _OURS.sub("x", value).partition("?")[0].partition("#")[0]
        addresses_in_file.append(("POST" if posts else "GET", path))
    return addresses_in_file


@pytest.mark.parametrize("file", FILES)
def test_every_address_in_a_template_resolves(file: str, routes: Quart) -> None:
    urls = routes.url_map.bind("localhost")
    for method, path in addresses(file):
        try:
            urls.match(path, method=method)
        except (NotFound, MethodNotAllowed, RequestRedirect):
            pytest.fail(f"{file}: {method} {path} leads nowhere")


def test_the_addresses_are_found() -> None:
    all_addresses = [address for file in FILES for address in addresses(file)]
    assert ("POST", "/enrollments/x/wake") in all_addresses
    assert ("GET", "/live") in all_addresses
    assert len(all_addresses) > 80


@pytest.mark.parametrize("file", FILES)
def test_every_template_compiles_and_is_used(file: str) -> None:
    get_environment().get_template(file)
    places = [
        *(ROOT / "app" / "hogsend" / "web").rglob("*.py"),
        *(path for path in TEMPLATES.rglob("*.html") if path.name != Path(file).name),
    ]
    assert any(f'"{file}"' in path.read_text() for path in places), f"nothing uses {file}"


@pytest.mark.parametrize("file", FILES)
def test_a_template_keeps_to_the_policy(file: str) -> None:
    text = (TEMPLATES / file).read_text()
    assert not re.search(r"\sstyle=|<style|\son[a-z]+=|javascript:|hx-on|hx-vals=.js:", text)
    for script in re.findall(r"<script[^>]*>", text):
        assert "src=" in script
    # A filter in brackets or a computed value would need `eval`.
    assert not re.search(r'hx-trigger="[^"]*\[', text)


@pytest.mark.parametrize("file", FILES)
def test_what_is_replaced_is_a_block_of_its_page(file: str) -> None:
    """An element that reloads itself names, by its id, a block that holds only the element."""
    text = (TEMPLATES / file).read_text()
    for match in re.finditer(r"<[a-z]+ [^>]*hx-get=[^>]*>", text):
        target = re.search(r'hx-target="#(\w+)"', match.group())
        named = target or re.search(r'\sid="(\w+)"', match.group())
        assert named, f"{file}: {match.group()[:80]} has no id"
        assert f"{{% block {named.group(1)} %}}" in text, f"{file}: no block {named.group(1)}"
        if target is None:
            start = text.index(f"{{% block {named.group(1)} %}}")
            assert text[start:].split("%}", 1)[1].lstrip().startswith(match.group()), file


def test_every_static_file_is_named_by_a_template() -> None:
    used = "".join((TEMPLATES / file).read_text() for file in FILES)
    for path in STATIC.iterdir():
        # A vendored script is named without its version.
        name = re.split(r"-\d", path.name)[0] if path.suffix == ".js" else path.name
        # `browser.js` is for pages of others, at an address of its own.
        if path.suffix != ".txt" and path.name != "browser.js":
            assert f"asset('{name}')" in used, path.name
