"""Reads and compiles the files in `emails/` of a journeys' folder."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Concatenate, Final, ParamSpec, TypeVar, cast

import jinja2
from jinja2 import meta

from ..domain.journey import BrokenFile
from ..domain.languages import DEFAULT_LANGUAGE, normalize_language
from ..domain.send_policy import OnDoubt
from .compiled_mail.placeholders import replace_by_placeholder
from .compiled_mail.template_check import can_be_compiled
from .front_matter import (
    LINES,
    InvalidTemplate,
    TemplateSource,
    parse_sample_props,
    parse_switch,
    split_front_matter,
)
from .jinja_text import hide_jinja
from .local_files import LocalFiles, UnusableFile, embed_images, list_other_files
from .mjml import replace_includes
from .mjml_check import find_mjml_problem, find_unknown_element
from .template import Template
from .template_context import Environment, MissingValue
from .template_files import MISTAKEN_SUFFIXES, SUFFIXES, TemplateFile, check_file, parse_file_name
from .template_names import find_declared_names, find_local_names, find_unknown_names

T = TypeVar("T")
P = ParamSpec("P")

FOLDER: Final = "emails"


@dataclass(frozen=True, slots=True)
class LoadedFolder:
    """What `emails/` holds; see `Templates`."""

    by_key: Mapping[str, Template]
    broken: Sequence[BrokenFile]
    versions: Mapping[str, str]
    list_ids: Mapping[str, str | None]
    files: LocalFiles


class TemplateLoader:
    """Reads and compiles the templates of a folder once.

    Args:
        folder: the folder `emails/`.
        lists: the ids of the declared lists.
    """

    def __init__(self, folder: Path, lists: Collection[str]) -> None:
        self._folder, self._lists = folder, lists
        self._broken: dict[str, BrokenFile] = {}
        self._sources: dict[str, TemplateSource] = {}
        self._texts: dict[str, str] = {}
        # The bodies as Jinja reads them: with includes of MJML and embedded images replaced.
        self._bodies: dict[str, str] = {}
        self._local_files = LocalFiles(folder)
        # The names that each file sets itself, and those that the present file may get from others.
        self._local_names: dict[str, set[str]] = {}
        self._hidden: set[str] = set()
        loader = jinja2.FunctionLoader(self._bodies.get)
        options: dict[str, Any] = {
            "undefined": MissingValue,
            "loader": loader,
            "auto_reload": False,
        }
        self._html = Environment(autoescape=True, finalize=replace_by_placeholder, **options)
        self._text = Environment(autoescape=False, keep_trailing_newline=True, **options)
        cast("dict[str, Any]", self._html.globals)["image"] = self._local_files.embed_image

    def load(self) -> LoadedFolder:
        """Read and compile every file."""
        paths = sorted(path for path in self._folder.glob("*") if path.is_file())
        names = {path.name for path in paths}
        files: list[TemplateFile] = []
        for path in paths:
            is_source = path.suffix in (*SUFFIXES, *MISTAKEN_SUFFIXES) or path.name.startswith("_")
            if is_source and not path.name.startswith(".") and not path.name.endswith("~"):
                files.append(parse_file_name(path.name, names))
        for file in files:
            self._call_and_report(file, self._read, names)
        self._prepare_bodies()
        return LoadedFolder(
            self._compile_all(files),
            tuple(self._broken[name] for name in sorted(self._broken)),
            self._compute_versions(files),
            {
                file.key: self._sources[file.name].fields.get("list") or None
                for file in files
                if file.is_body and file.language is None and file.name in self._sources
            },
            self._local_files,
        )

    def _compile_all(self, files: Sequence[TemplateFile]) -> dict[str, Template]:
        """Compile every file; a translation belongs to its base template."""
        shared = self._find_shared_names()
        templates: dict[str, Template] = {}
        translations: dict[str, dict[str, Template | BrokenFile]] = {}
        # A base file comes before its translations, which inherit from it.
        for file in sorted(files, key=lambda file: (file.language is not None, file.name)):
            template = None
            if file.name in self._sources and file.suffix != ".txt":
                base = templates.get(file.key) if file.language else None
                if file.language is None or base is not None:
                    template = self._call_and_report(file, self._compile, shared, base)
            if file.is_body and file.language is not None:
                result = template or self._broken.get(file.name)
                if result is not None:
                    translations.setdefault(file.key, {})[file.language] = result
            elif file.is_body and template is not None:
                templates[file.key] = template
        for key, by_language in translations.items():
            if key in templates:
                templates[key] = replace(templates[key], translations=by_language)
        return dict(sorted(templates.items()))

    def _compute_versions(self, files: Sequence[TemplateFile]) -> dict[str, str]:
        """Return the version of each template, and under the empty key that of shared files."""
        shared = repr(sorted(self._lists)) + repr(
            sorted(item for item in self._texts.items() if item[0].startswith("_"))
        )
        shared += repr(list_other_files(self._folder, SUFFIXES))
        own: dict[str, list[tuple[str, str]]] = {"": []}
        for file in sorted(files, key=lambda file: file.name):
            if file.key and file.name in self._texts:
                own.setdefault(file.key, []).append((file.name, self._texts[file.name]))
        return {
            key: hashlib.sha256(f"{shared}{texts}".encode("utf-8", "replace")).hexdigest()[:16]
            for key, texts in own.items()
        }

    def _call_and_report(
        self,
        file: TemplateFile,
        function: Callable[Concatenate[TemplateFile, P], T],
        *arguments: P.args,
        **named: P.kwargs,
    ) -> T | None:
        """Call a function with a file; report the file as broken if it is invalid."""
        try:
            return function(file, *arguments, **named)
        except InvalidTemplate as error:
            path = f"{FOLDER}/{file.name}"
            self._broken[file.name] = BrokenFile(path, error.line, error.problem, error.remedy)
            return None

    def _read(self, file: TemplateFile, names: Collection[str]) -> None:
        check_file(file, names)
        try:
            text = (self._folder / file.name).read_text("utf-8")
        except UnicodeDecodeError:
            raise InvalidTemplate(0, "The file is not UTF-8 text.", "Save it as UTF-8.") from None
        except OSError as error:
            raise InvalidTemplate(0, f"The file cannot be read: {error.strerror}.") from None
        self._texts[file.name] = text
        if file.is_body:
            is_translation = file.language is not None
            source = split_front_matter(text, is_translation=is_translation)
        else:
            source = TemplateSource(text, 1, {}, {})
        self._sources[file.name] = source
        self._bodies[file.name] = source.body

    def _prepare_bodies(self) -> None:
        for name, source in self._sources.items():
            body = source.body
            if name.endswith(".mjml"):
                body = replace_includes(body, self._sources)
            if not name.endswith(".txt"):
                with suppress(UnusableFile, OSError):  # `_compile` reports it
                    body = embed_images(body, self._local_files)
            self._bodies[name] = body

    def _find_shared_names(self) -> set[str]:
        """Return the names that layouts set; templates may use them in the blocks of the layout."""
        names: set[str] = set()
        for name in self._sources:
            if not name.startswith("_"):
                continue
            try:
                tree = self._html.parse(self._bodies[name])
            except jinja2.TemplateSyntaxError:
                continue  # `_compile` reports the error
            names |= find_declared_names(tree)
        return names

    def _find_hidden_names(self, name: str) -> set[str]:
        """Return the names that files set in which a file may be included, or which it extends."""
        if not self._local_names:
            for other, body in self._bodies.items():
                with suppress(jinja2.TemplateSyntaxError):  # `_compile` reports the error
                    self._local_names[other] = find_local_names(self._html.parse(body))
        is_part = name.startswith("_")
        names = (names for file, names in self._local_names.items() if is_part or file[0] == "_")
        return set[str]().union(*names)

    def _compile(self, file: TemplateFile, shared: set[str], base: Template | None) -> Template:
        source, body = self._sources[file.name], self._bodies[file.name]
        self._hidden = self._find_hidden_names(file.name)
        self._check_files(source)
        if file.suffix == ".mjml":
            self._check_mjml(source)
        self._check(body, source.body_first_line, shared)
        html = self._get_compiled(self._html, file.name)
        list_id = source.fields.get("list") or None
        if list_id is not None and list_id not in self._lists:
            raise InvalidTemplate(
                source.field_lines["list"],
                f"There is no list {list_id!r}.",
                "Declare it in lists.py, or name one of: " + ", ".join(sorted(self._lists)) + ".",
            )
        template = Template(
            key=file.key,
            list_id=list_id,
            file=f"{FOLDER}/{file.name}",
            source=source.body,
            sample=parse_sample_props(source),
            html=html,
            lines=self._compile_lines(source),
            text=self._compile_text(file, shared),
            is_compilable=self._check_compilable(file.name),
            line_numbers={**source.field_lines, "body": source.body_first_line},
            language=file.language
            or normalize_language(source.fields.get("language", DEFAULT_LANGUAGE))
            or DEFAULT_LANGUAGE,
            is_mjml=file.suffix == ".mjml",
            is_tracked=parse_switch(source, "track", default=True),
            on_doubt=cast("OnDoubt", source.fields.get("on_doubt", "ask")),
        )
        return template if base is None else _inherit(template, base)

    def _compile_text(self, file: TemplateFile, shared: set[str]) -> jinja2.Template | None:
        name = f"{file.name.removesuffix(file.suffix)}.txt"
        if not file.key or name not in self._sources:
            return None
        self._check(self._bodies[name], 1, shared, f"In {name}: ")
        return self._get_compiled(self._text, name)

    def _check_files(self, source: TemplateSource) -> None:
        """Raise if a file that the template names, without expressions, cannot be used."""
        try:
            embed_images(source.body, self._local_files)
        except (UnusableFile, OSError) as error:
            raise InvalidTemplate(0, f"An image cannot be shown: {error}.") from None
        names = source.fields.get("attachments")
        if names is None or "{" in names:
            return
        try:
            self._local_files.read_attachments(names)
        except (UnusableFile, OSError) as error:
            line = source.field_lines["attachments"]
            raise InvalidTemplate(line, f"Attachments: {error}.") from None

    def _check_mjml(self, source: TemplateSource) -> None:
        # Statements may leave out what is not balanced, so only a rendering shows what is missing.
        find = find_unknown_element if "{%" in source.body else find_mjml_problem
        invalid = find(hide_jinja(source.body))
        if invalid is not None:
            line, problem, remedy = invalid
            raise InvalidTemplate(source.body_first_line + line - 1, problem, remedy)

    def _check_compilable(self, name: str) -> bool:
        try:
            return can_be_compiled(name, lambda file: self._html.parse(self._bodies[file]))
        except (jinja2.TemplateSyntaxError, KeyError):
            return False  # a part is broken or missing, and another check reports it

    def _get_compiled(self, environment: jinja2.Environment, name: str) -> jinja2.Template:
        try:
            return environment.get_template(name)
        except (jinja2.TemplateSyntaxError, jinja2.TemplateNotFound) as error:
            raise InvalidTemplate(0, f"The template does not compile: {error.message}") from None

    def _compile_lines(self, source: TemplateSource) -> dict[str, jinja2.Template | str]:
        compiled: dict[str, jinja2.Template | str] = {}
        for name in LINES:
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
            if name is not None and name not in self._bodies:
                raise InvalidTemplate(
                    first_line, f"{prefix}There is no file {name!r} in emails/ to use here."
                )
        if unknown is not None:
            raise InvalidTemplate(
                first_line + unknown.line - 1, f"{prefix}{unknown.problem}", unknown.remedy
            )


def _inherit(translation: Template, base: Template) -> Template:
    """Return a translation with what its front matter leaves to that of the base file."""
    return replace(
        translation,
        list_id=base.list_id,
        sample=translation.sample or base.sample,
        lines={**base.lines, **translation.lines},
        is_tracked=base.is_tracked,
        on_doubt=base.on_doubt,
    )
