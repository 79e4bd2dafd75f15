"""Templates of mails: `journeys/emails/<key>.html` and `<key>.mjml`.

A template begins with front matter, a `name: value` on each line between two `---` lines:

    ---
    subject: Welcome, {{ contact.properties.name | default("there") }}
    preheader: Two minutes to your first report.
    list: product-updates
    from: Ada <ada@example.com>
    reply_to: support@example.com
    attachments: guide.pdf, terms-{{ language }}.pdf
    on_doubt: ask
    track: true
    language: en
    sample: {"plan": "Pro"}
    ---

Only `subject` is required. `sample` is a JSON object with the props of a preview; it and
`attachments` may continue on indented lines. `subject`, `preheader`, `from`, `reply_to` and
`attachments` have the same variables as the body. Files whose name begins with `_` are layouts and
parts: they have no front matter and are not mails. `<key>.de.html` is the mail in German, whose
front matter has only what differs. The plain-text part comes from `<key>.txt` in the same folder,
or else is made from the HTML.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..domain.journey import BrokenFile
from .local_files import LocalFiles
from .template import ContentMissing, RenderFailed, Template, describe_broken
from .template_loader import FOLDER, TemplateLoader

__all__ = ["ContentMissing", "RenderFailed", "Template", "Templates"]


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
        files: the images and attachments beside the templates.
    """

    by_key: Mapping[str, Template] = field(default_factory=dict[str, Template])
    broken: tuple[BrokenFile, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict[str, str])
    list_ids: Mapping[str, str | None] = field(default_factory=dict[str, str | None])
    files: LocalFiles = field(default_factory=lambda: LocalFiles(Path(FOLDER)))

    @staticmethod
    def load(folder: Path, lists: Collection[str]) -> Templates:
        """Read and compile the files in `emails/` of a journeys' folder.

        Args:
            folder: the journeys' folder; without `emails/` there are no templates.
            lists: the ids of the declared lists.
        """
        loaded = TemplateLoader(folder / FOLDER, lists).load()
        return Templates(
            loaded.by_key, tuple(loaded.broken), loaded.versions, loaded.list_ids, loaded.files
        )

    def get(self, key: str) -> Template:
        """Return a template.

        Raises:
            ContentMissing: there is no such template, or its file is broken.
        """
        template = self.by_key.get(key)
        if template is None:
            for broken in self.broken:
                if Path(broken.file).stem == key:
                    raise ContentMissing(describe_broken(key, broken))
            raise ContentMissing(f"there is no template {key}")
        return template

    def get_version(self, key: str) -> str:
        """Return what changes when a template does, or when its file comes back."""
        return self.versions.get(key) or self.versions.get("", "none")

    def keys(self) -> list[str]:
        """Return the keys of the usable templates, in alphabetical order."""
        return sorted(self.by_key)
