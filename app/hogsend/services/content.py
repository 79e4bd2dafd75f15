"""The author's content as of now: journeys, lists and mails, loaded together."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..config.settings import Settings
from ..delivery.render import Renderer
from ..delivery.templates import Templates
from ..delivery.tokens import Tokens
from ..domain.journey import BrokenFile
from ..domain.sending_policy import SendingPolicy
from ..turns.author_imports import PACKAGES
from ..turns.folder_check import reject_missing_resources
from ..turns.folder_loader import load
from ..turns.registry import Registry
from ..turns.turn_inputs import JourneyCode


@dataclass(frozen=True, slots=True)
class Content:
    """What the author's folder holds.

    Args:
        registry: journeys and lists.
        templates: the mails.
        renderer: renders mails from them.
    """

    registry: Registry
    templates: Templates
    renderer: Renderer

    @property
    def broken(self) -> Sequence[BrokenFile]:
        """Every file that could not be used."""
        return (*self.registry.broken, *self.templates.broken)

    @property
    def known_templates(self) -> set[str]:
        """The keys of all mails, those with a broken file included."""
        return list_known_templates(self.templates)

    @property
    def sending_policy(self) -> SendingPolicy | None:
        """How mail is sent; None when the file that says so cannot be used."""
        return self.registry.sending_policy

    @property
    def journey_code(self) -> JourneyCode:
        """The journeys and the lists of their mails, as turns use them."""
        return JourneyCode(self.registry, self.template_lists)

    @property
    def template_lists(self) -> dict[str, str | None]:
        """The keys of all mails, each with the list that it names.

        A mail of a broken template is queued and then blocked, if its front matter can be read.
        """
        return dict(self.templates.list_ids)


def list_known_templates(templates: Templates) -> set[str]:
    """Return the keys of all mails, those with a broken file included."""
    return {*templates.keys(), *(Path(broken.file).stem for broken in templates.broken)}


def load_content(settings: Settings, tokens: Tokens) -> Content:
    """Load the author's folder; what is broken is reported in the result, never raised.

    Args:
        settings: where the folder is, and what mails need.
        tokens: signs the links in mails.
    """
    registry = load(settings.journeys)
    templates = Templates.load(settings.journeys, registry.lists)
    registry = reject_missing_resources(
        settings.journeys, registry, list_known_templates(templates)
    )
    renderer = Renderer(
        templates,
        registry.lists,
        tokens,
        base_url=settings.base_url,
        sender=settings.sender,
        test_to=settings.test_to,
        is_tracking=settings.tracking,
    )
    return Content(registry, templates, renderer)


def compute_fingerprint(folder: Path) -> frozenset[tuple[str, int, int]]:
    """Return what changes when a file of the folder does: names, sizes and times of change.

    Of the packages in the folder only the names and times of the folders count: they have thousands
    of files, and an installation changes the folders.
    """
    paths: list[Path] = []
    for path, folders, files in os.walk(folder):
        if PACKAGES in folders:
            folders.remove(PACKAGES)
            paths += Path(path, PACKAGES).iterdir()
        names = (Path(path, name) for name in files)
        is_of_mails = "emails" in Path(path).relative_to(folder).parts
        paths += [file for file in names if file.suffix == ".py" or is_of_mails]
    versions = ((str(path), path.stat()) for path in paths)
    return frozenset((path, status.st_mtime_ns, status.st_size) for path, status in versions)
