"""Templates of mails: reads and compiles `journeys/emails/<key>.html`.

A template begins with front matter, a `name: value` on each line between two `---` lines:

    ---
    subject: Welcome, {{ contact.properties.name | default("there") }}
    preheader: Two minutes to your first report.
    list: product-updates
    from: Ada <ada@example.com>
    reply_to: support@example.com
    sample: {"plan": "Pro"}
    ---

Only `subject` is required. `sample` is a JSON object with the props of a preview, and may continue
on indented lines. Every other value is a line of text with the same variables as the body. Files
whose name begins with `_` are layouts and parts: they have no front matter and are not mails. The
plain-text part comes from `<key>.txt` in the same folder, or else is made from the HTML.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

import jinja2
from jinja2 import meta

from ..domain.journey import BrokenFile
from ..errors import HogsendError
from .compiled_mail.placeholders import render_with_placeholders, replace_by_placeholder
from .compiled_mail.template_check import can_be_compiled
from .front_matter import (
    InvalidTemplate,
    TemplateSource,
    check_file_name,
    is_mail,
    parse_sample_props,
    split_front_matter,
)
from .template_context import Environment, MissingValue
from .template_names import find_declared_names, find_local_names, find_unknown_names

T = TypeVar("T")

FOLDER: Final = "emails"


class RenderFailed(HogsendError):
    """A mail cannot be rendered, such as because a variable is missing."""

    code = "render_failed"

    @property
    def reason(self) -> str:
        """The reason that the ledger stores."""
        return self.message


class ContentMissing(RenderFailed):
    """The template or list of a mail is missing or broken, so the mail waits for the author."""

    code = "content_missing"


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """A mail's template.

    Args:
        key: the name in code and ledger, which is the file's name without its extension.
        list_id: the list of the template's sends when the journey names none.
        file: the path relative to the journeys' folder.
        source: the file's text after the front matter.
        sample: the props of a preview.
        html: the compiled body.
        lines: `subject`, `preheader`, `from` and `reply_to`, where given: compiled, or as text when
            the line has no expression.
        text: the compiled plain-text part, if the template has a text file.
        is_compilable: whether mails of this template can be compiled (`compiled_mail`).
        line_numbers: the first line of the body (`body`) and of each line in `lines`, in the file.
    """

    key: str
    list_id: str | None
    file: str
    source: str
    sample: Mapping[str, Any]
    html: jinja2.Template
    lines: Mapping[str, jinja2.Template | str]
    text: jinja2.Template | None = None
    is_compilable: bool = False
    line_numbers: Mapping[str, int] = field(default_factory=dict[str, int])

    def render_line(self, name: str, scope: Mapping[str, Any]) -> str | None:
        """Return a rendered line of the front matter, or None when the template has none.

        Raises:
            RenderFailed: a variable is missing, or the expression does not work.
        """
        compiled = self.lines.get(name)
        if compiled is None or isinstance(compiled, str):
            return compiled
        return _render(self.key, lambda: compiled.render(scope)).strip()

    def render_body(self, scope: Mapping[str, Any]) -> str:
        """Return the rendered HTML.

        Raises:
            RenderFailed: a variable is missing, or an expression does not work.
        """
        return _render(self.key, lambda: self.html.render(scope))

    def render_body_with_placeholders(
        self, scope: Mapping[str, Any]
    ) -> tuple[tuple[str, ...], list[str]] | None:
        """Return the HTML in pieces with placeholders for values, and the values.

        Returns None if mails of this template cannot be compiled.

        Raises:
            RenderFailed: a variable is missing, or an expression does not work.
        """
        if not self.is_compilable:
            return None
        return _render(self.key, lambda: render_with_placeholders(self.html, scope))

    def render_plain_text(self, scope: Mapping[str, Any]) -> str | None:
        """Return the rendered plain-text part, or None when it is made from the HTML.

        Raises:
            RenderFailed: a variable is missing, or an expression does not work.
        """
        compiled = self.text
        return None if compiled is None else _render(self.key, lambda: compiled.render(scope))


@dataclass(frozen=True, slots=True)
class Templates:
    """All templates of a journeys' folder, as of the last `load`.

    Args:
        by_key: the usable templates, by key.
        broken: the files that cannot be used, with the reasons.
        versions: by key, what changes when a template or a file that it may use does; that of
            layouts, parts and lists alone under the empty key.
        list_ids: by key, the list that a mail names, also of a mail whose file is broken after its
            front matter.
    """

    by_key: Mapping[str, Template] = field(default_factory=dict[str, Template])
    broken: tuple[BrokenFile, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict[str, str])
    list_ids: Mapping[str, str | None] = field(default_factory=dict[str, str | None])

    @staticmethod
    def load(folder: Path, lists: Collection[str]) -> Templates:
        """Read and compile the files in `emails/` of a journeys' folder.

        Args:
            folder: the journeys' folder; without `emails/` there are no templates.
            lists: the ids of the declared lists.
        """
        return _Loader(folder / FOLDER, lists).load()

    def get(self, key: str) -> Template:
        """Return a template.

        Raises:
            ContentMissing: there is no such template, or its file is broken.
        """
        template = self.by_key.get(key)
        if template is None:
            for broken in self.broken:
                if Path(broken.file).stem == key:
                    reason = f"{broken.problem} {broken.remedy}".rstrip()
                    raise ContentMissing(f"template {key} is broken: {reason}")
            raise ContentMissing(f"there is no template {key}")
        return template

    def get_version(self, key: str) -> str:
        """Return what changes when a template does, or when its file comes back."""
        return self.versions.get(key) or self.versions.get("", "none")

    def keys(self) -> list[str]:
        """Return the keys of the usable templates, in alphabetical order."""
        return sorted(self.by_key)


class _Loader:
    """Reads and compiles the templates of a folder once."""

    def __init__(self, folder: Path, lists: Collection[str]) -> None:
        self._folder, self._lists = folder, lists
        self._broken: list[BrokenFile] = []
        self._sources: dict[str, TemplateSource] = {}
        self._texts: dict[str, str] = {}
        # The names that each file sets itself, and those that the present file may get from others.
        self._local_names: dict[str, set[str]] = {}
        self._hidden: set[str] = set()
        loader = jinja2.FunctionLoader(self._load_body)
        options: dict[str, Any] = {
            "undefined": MissingValue,
            "loader": loader,
            "auto_reload": False,
        }
        self._html = Environment(autoescape=True, finalize=replace_by_placeholder, **options)
        self._text = Environment(autoescape=False, keep_trailing_newline=True, **options)

    def load(self) -> Templates:
        files = sorted(path for path in self._folder.glob("*") if path.is_file())
        for path in files:
            self._call_and_report(path, self._read)
        shared = self._find_shared_names()
        templates: dict[str, Template] = {}
        for path in files:
            if path.name in self._sources and path.suffix == ".html":
                template = self._call_and_report(path, self._compile, shared)
                if template is not None and not path.name.startswith("_"):
                    templates[template.key] = template
        list_ids = {
            path.stem: self._sources[path.name].fields.get("list") or None
            for path in files
            if path.name in self._sources and is_mail(path)
        }
        return Templates(templates, tuple(self._broken), self._compute_versions(), list_ids)

    def _compute_versions(self) -> dict[str, str]:
        """Return the version of each template, and under the empty key that of shared files."""
        shared = repr(sorted(self._lists)) + repr(
            sorted(item for item in self._texts.items() if item[0].startswith("_"))
        )
        own: dict[str, list[tuple[str, str]]] = {"": []}
        for name, text in sorted(self._texts.items()):
            if not name.startswith("_"):
                own.setdefault(Path(name).stem, []).append((name, text))
        return {
            key: hashlib.sha256(f"{shared}{texts}".encode("utf-8", "replace")).hexdigest()[:16]
            for key, texts in own.items()
        }

    def _call_and_report(self, path: Path, function: Any, *arguments: Any) -> Any:
        """Call a function with a file; report the file as broken if it is invalid."""
        try:
            return function(path, *arguments)
        except InvalidTemplate as error:
            self._broken.append(
                BrokenFile(f"{FOLDER}/{path.name}", error.line, error.problem, error.remedy)
            )
            return None

    def _load_body(self, name: str) -> str | None:
        source = self._sources.get(name)
        return source.body if source else None

    def _read(self, path: Path) -> None:
        if path.name.startswith(".") or path.name.endswith("~"):
            return
        check_file_name(path, self._folder)
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            raise InvalidTemplate(0, "The file is not UTF-8 text.", "Save it as UTF-8.") from None
        except OSError as error:
            raise InvalidTemplate(0, f"The file cannot be read: {error.strerror}.") from None
        self._texts[path.name] = text
        self._sources[path.name] = (
            split_front_matter(text) if is_mail(path) else TemplateSource(text, 1, {}, {})
        )

    def _find_shared_names(self) -> set[str]:
        """Return the names that layouts set; templates may use them in the blocks of the layout."""
        names: set[str] = set()
        for name, source in self._sources.items():
            if not name.startswith("_"):
                continue
            try:
                tree = self._html.parse(source.body)
            except jinja2.TemplateSyntaxError:
                continue  # `_compile` reports the error
            names |= find_declared_names(tree)
        return names

    def _find_hidden_names(self, path: Path) -> set[str]:
        """Return the names that files set in which a file may be included, or which it extends."""
        if not self._local_names:
            for name, source in self._sources.items():
                with suppress(jinja2.TemplateSyntaxError):  # `_compile` reports the error
                    self._local_names[name] = find_local_names(self._html.parse(source.body))
        is_part = path.name.startswith("_")
        names = (names for file, names in self._local_names.items() if is_part or file[0] == "_")
        return set[str]().union(*names)

    def _compile(self, path: Path, shared: set[str]) -> Template:
        source = self._sources[path.name]
        self._hidden = self._find_hidden_names(path)
        self._check(source.body, source.body_first_line, shared)
        html = self._get_compiled(self._html, path.name)
        text_name = f"{path.stem}.txt"
        text = None
        if text_name in self._sources:
            self._check(self._sources[text_name].body, 1, shared, f"In {text_name}: ")
            text = self._get_compiled(self._text, text_name)
        list_id = source.fields.get("list") or None
        if list_id is not None and list_id not in self._lists:
            raise InvalidTemplate(
                source.field_lines["list"],
                f"There is no list {list_id!r}.",
                "Declare it in lists.py, or name one of: " + ", ".join(sorted(self._lists)) + ".",
            )
        return Template(
            key=path.stem,
            list_id=list_id,
            file=f"{FOLDER}/{path.name}",
            source=source.body,
            sample=parse_sample_props(source),
            html=html,
            lines=self._compile_lines(source),
            text=text,
            is_compilable=self._check_compilable(path.name),
            line_numbers={**source.field_lines, "body": source.body_first_line},
        )

    def _check_compilable(self, name: str) -> bool:
        try:
            return can_be_compiled(name, lambda file: self._html.parse(self._sources[file].body))
        except (jinja2.TemplateSyntaxError, KeyError):
            return False  # a part is broken or missing, and another check reports it

    def _get_compiled(self, environment: jinja2.Environment, name: str) -> jinja2.Template:
        try:
            return environment.get_template(name)
        except (jinja2.TemplateSyntaxError, jinja2.TemplateNotFound) as error:
            raise InvalidTemplate(0, f"The template does not compile: {error.message}") from None

    def _compile_lines(self, source: TemplateSource) -> dict[str, jinja2.Template | str]:
        compiled: dict[str, jinja2.Template | str] = {}
        for name in ("subject", "preheader", "from", "reply_to"):
            if name in source.fields:
                line = source.fields[name]
                self._check(line, source.field_lines[name], set())
                # Without a brace the line has no expression.
                compiled[name] = self._text.from_string(line) if "{" in line else line.strip()
        return compiled

    def _check(self, text: str, first_line: int, shared: set[str], prefix: str = "") -> None:
        """Report problems that would fail every send, such as an unknown variable."""
        try:
            tree = self._html.parse(text)
            hidden = find_local_names(tree) | self._hidden
            unknown = next(find_unknown_names(tree, shared | set(self._html.globals), hidden), None)
        except jinja2.TemplateSyntaxError as error:
            line = first_line + error.lineno - 1
            raise InvalidTemplate(line, f"{prefix}{error.message or 'Syntax error.'}") from None
        for name in meta.find_referenced_templates(tree):
            if name is not None and name not in self._sources:
                raise InvalidTemplate(
                    first_line, f"{prefix}There is no file {name!r} in emails/ to use here."
                )
        if unknown is not None:
            raise InvalidTemplate(
                first_line + unknown.line - 1, f"{prefix}{unknown.problem}", unknown.remedy
            )


def _render(key: str, render: Callable[[], T]) -> T:
    try:
        return render()
    except jinja2.UndefinedError as error:
        raise RenderFailed(f"template {key}: {error.message}") from None
    # An author's expression may raise anything. The error fails only this send.
    except Exception as error:
        # These errors come from a file that the template includes or extends.
        is_file_missing = isinstance(error, jinja2.TemplateSyntaxError | jinja2.TemplateNotFound)
        kind = ContentMissing if is_file_missing else RenderFailed
        raise kind(f"template {key}: {type(error).__name__}: {error}") from None
