"""The files beside the templates that mails show or carry: images and attachments."""

from __future__ import annotations

import hashlib
import mimetypes
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ..domain.direct_mail import MAX_ATTACHMENT_BYTES, MAX_ATTACHMENTS, Attachment
from .markup import find_html_tokens, parse_attributes

MAX_IMAGE_BYTES: Final = 1024 * 1024
# How many bytes of attachments are kept in memory, so that not every mail reads them.
_MAX_KEPT_BYTES = 16 * 1024 * 1024
_ANY_FILE = "application/octet-stream"
_IMAGE_ATTRIBUTES = ("src", "background", "background-url")
_CONTENT_ID = re.compile(r"cid:([0-9a-f]{16}@images\.hogsend)")
# The first characters of an address that is no path beside the template.
_NOT_RELATIVE = ("/", "#", "?", "\\")


class UnusableFile(ValueError):
    """A file that a mail names and cannot have; the text says why."""


class LocalFiles:
    """Files in `emails/`, as of the last load.

    Args:
        folder: the folder `emails/` of a journeys' folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ids_by_path: dict[str, str] = {}
        self._images_by_id: dict[str, Attachment] = {}
        self._kept: dict[str, Attachment] = {}
        self._kept_bytes = 0

    def embed_image(self, path: str) -> str:
        """Return the address by which a mail shows an image that it carries, such as `cid:…`.

        Args:
            path: the image, relative to `emails/`.

        Raises:
            UnusableFile: there is no such file, or it cannot be shown.
        """
        if path not in self._ids_by_path:
            file = self._find(path)
            kind = mimetypes.guess_type(file.name)[0] or ""
            if not kind.startswith("image/"):
                raise UnusableFile(f"{path} is not an image")
            if file.stat().st_size > MAX_IMAGE_BYTES:
                raise UnusableFile(f"{path} has more than {MAX_IMAGE_BYTES // 1024} KB")
            content = file.read_bytes()
            content_id = f"{hashlib.sha256(content).hexdigest()[:16]}@images.hogsend"
            self._images_by_id[content_id] = Attachment(file.name, kind, content, content_id)
            self._ids_by_path[path] = content_id
        return f"cid:{self._ids_by_path[path]}"

    def find_images(self, html: str) -> list[Attachment]:
        """Return the images that a finished mail shows by `cid:`."""
        # Most mails have none, and this takes microseconds.
        if "@images.hogsend" not in html:
            return []
        ids = dict.fromkeys(match[1] for match in _CONTENT_ID.finditer(html))
        return [self._images_by_id[name] for name in ids if name in self._images_by_id]

    def read_attachments(self, names: str) -> list[Attachment]:
        """Return the files that a rendered line `attachments` of the front matter names.

        Args:
            names: paths relative to `emails/`, separated by commas or line breaks.

        Raises:
            UnusableFile: a file does not exist, or there are too many or too large ones.
        """
        paths = [path.strip() for line in names.splitlines() for path in line.split(",")]
        files = [self._read(path) for path in dict.fromkeys(filter(None, paths))]
        if len(files) > MAX_ATTACHMENTS:
            raise UnusableFile(f"there are more than {MAX_ATTACHMENTS} attachments")
        if sum(len(file.content) for file in files) > MAX_ATTACHMENT_BYTES:
            limit = MAX_ATTACHMENT_BYTES // (1024 * 1024)
            raise UnusableFile(f"the attachments have more than {limit} MB")
        return files

    def has(self, path: str) -> bool:
        """Return whether there is a file."""
        try:
            self._find(path)
        except UnusableFile:
            return False
        return True

    def _read(self, path: str) -> Attachment:
        known = self._kept.get(path)
        if known is not None:
            return known
        file = self._find(path)
        if file.stat().st_size > MAX_ATTACHMENT_BYTES:
            limit = MAX_ATTACHMENT_BYTES // (1024 * 1024)
            raise UnusableFile(f"{path} has more than {limit} MB")
        kind = mimetypes.guess_type(file.name)[0] or _ANY_FILE
        attachment = Attachment(file.name, kind, file.read_bytes())
        if self._kept_bytes + len(attachment.content) <= _MAX_KEPT_BYTES:
            self._kept_bytes += len(attachment.content)
            self._kept[path] = attachment
        return attachment

    def _find(self, path: str) -> Path:
        """Return a file of the folder; links that lead out of the folder are refused."""
        folder = self._folder.resolve()
        try:
            file = (folder / path).resolve()
            is_inside = file.is_relative_to(folder) and file.is_file()
        except (OSError, ValueError):
            is_inside = False
        else:
            names = file.relative_to(folder).parts if is_inside else ()
            if is_inside and not any(name.startswith(".") for name in names):
                return file
        raise UnusableFile(f"there is no file {path} in emails/")


def embed_images(source: str, files: LocalFiles) -> str:
    """Return the source of a template in which images of `emails/` have the address `cid:…`.

    Paths with an expression stay, and so do those of files that do not exist.

    Args:
        source: HTML or MJML with Jinja.
        files: the files of the folder.

    Raises:
        UnusableFile: an image cannot be shown, such as one that is too large.
    """
    pieces: list[str] = []
    position = 0
    for tag in find_html_tokens(source):
        by_name = parse_attributes(source, tag) if tag.attributes_span[0] < tag.end - 1 else {}
        for attribute in (by_name[name] for name in _IMAGE_ATTRIBUTES if name in by_name):
            path = attribute.value.strip()
            if attribute.start < position or not is_relative(path) or not files.has(path):
                continue
            pieces += (source[position : attribute.start], files.embed_image(path))
            position = attribute.end
    pieces.append(source[position:])
    return "".join(pieces)


def is_relative(address: str) -> bool:
    """Return whether an address without expressions is a path beside the template."""
    scheme = address.partition("/")[0]
    return bool(address) and not (
        address.startswith(_NOT_RELATIVE) or ":" in scheme or "{" in address
    )


def list_other_files(folder: Path, suffixes: Sequence[str]) -> list[tuple[str, int]]:
    """Return the paths and sizes of the files that are no templates, in order.

    Args:
        folder: the folder `emails/`.
        suffixes: those of templates.
    """
    paths = (path for path in folder.rglob("*") if path.suffix not in suffixes and path.is_file())
    return sorted((path.relative_to(folder).as_posix(), path.stat().st_size) for path in paths)
