"""Mails carry images and attachments from the folder of the templates."""

from __future__ import annotations

import hashlib
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from hogsend.delivery.template import RenderFailed
from hogsend.delivery.templates import Templates
from tests.delivery.test_render import ADA, LISTS, NOW, make_send
from tests.delivery.test_translations import make_renderer

PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 50
CONTENT_ID = f"{hashlib.sha256(PNG).hexdigest()[:16]}@images.hogsend"


@pytest.fixture
def emails(tmp_path: Path) -> Path:
    """The folder of the templates, with an image and some files."""
    folder = tmp_path / "emails"
    (folder / "images").mkdir(parents=True)
    (folder / "images" / "logo.png").write_bytes(PNG)
    (folder / "terms.pdf").write_bytes(b"%PDF terms")
    (folder / "guide-de.pdf").write_bytes(b"%PDF guide")
    (tmp_path / "secret.pdf").write_bytes(b"secret")
    (folder / "link.pdf").symlink_to(tmp_path / "secret.pdf")
    return folder


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("hello.html", '<p><img src="images/logo.png" alt="Acme"> {{ contact.properties.name }}'),
        ("hello.html", '<p><img src="{{ image("images/" ~ props.file) }}" alt="Acme">'),
        (
            "hello.mjml",
            '<mjml><mj-body><mj-section><mj-column><mj-image src="images/logo.png" alt="A" />'
            "</mj-column></mj-section></mj-body></mjml>",
        ),
    ],
)
def test_an_image_of_the_folder_is_carried_by_the_mail(emails: Path, name: str, body: str):
    renderer = make_renderer(emails.parent, {name: f"---\nsubject: x\n---\n{body}"})
    for _ in range(3):
        mail = renderer.render(make_send(props={"file": "logo.png"}), ADA, None, NOW)
        assert f'src="cid:{CONTENT_ID}"' in mail.html
        (image,) = mail.attachments
        assert (image.content, image.content_type) == (PNG, "image/png")
    parsed = message_from_bytes(mail.mime_bytes, policy=policy.default)
    (part,) = [part for part in parsed.walk() if part["Content-ID"] == f"<{CONTENT_ID}>"]
    assert part.get_content() == PNG


def test_addresses_of_the_web_and_missing_images_stay_as_they_are(emails: Path):
    body = '<img src="https://example.com/images/logo.png" alt=""><img src="no.png" alt="">'
    renderer = make_renderer(emails.parent, {"hello.html": f"---\nsubject: x\n---\n{body}"})
    mail = renderer.render(make_send(), ADA, None, NOW)
    assert 'src="https://example.com/images/logo.png"' in mail.html and 'src="no.png"' in mail.html
    assert not mail.attachments


def test_attachments_may_follow_from_the_mail_and_its_language(emails: Path):
    front = "subject: x\nattachments: terms.pdf,\n  guide-{{ language }}.pdf\nlanguage: de"
    renderer = make_renderer(emails.parent, {"hello.html": f"---\n{front}\n---\n<p>x"})
    mail = renderer.render(make_send(), ADA, None, NOW)
    assert [file.filename for file in mail.attachments] == ["terms.pdf", "guide-de.pdf"]
    assert b"Content-Disposition: attachment; filename*=utf-8''terms.pdf" in mail.mime_bytes


@pytest.mark.parametrize(
    "path", ["../secret.pdf", "link.pdf", "/etc/passwd", "no.pdf", "images", "\0", "a" * 5000]
)
def test_no_file_outside_of_the_folder_can_be_attached(emails: Path, path: str):
    front = "subject: x\nattachments: {{ props.file }}"
    renderer = make_renderer(emails.parent, {"hello.html": f"---\n{front}\n---\n<p>x"})
    with pytest.raises(RenderFailed, match="there is no file"):
        renderer.render(make_send(props={"file": path}), ADA, None, NOW)


@pytest.mark.parametrize(
    ("front", "body", "problem"),
    [
        ("attachments: no.pdf", "", "no file no.pdf"),
        ("attachments: big.bin", "", "more than 7 MB"),
        ("attachments: " + ",".join(f"{n}.txt2" for n in range(21)), "", "more than 20"),
        ("", '<img src="big.png">', "more than 1024 KB"),
        ("", '<img src="terms.pdf">', "not an image"),
    ],
)
def test_files_that_cannot_be_sent_break_the_template(
    emails: Path, front: str, body: str, problem: str
):
    for name in ("big.bin", "big.png"):
        with (emails / name).open("wb") as file:
            file.truncate(8 * 1024 * 1024)
    for number in range(21):
        (emails / f"{number}.txt2").write_text("x")
    text = f"---\nsubject: x\n{front}\n---\n{body}"
    (emails / "hello.html").write_text(text)
    (broken,) = Templates.load(emails.parent, LISTS).broken
    assert problem in broken.problem


def test_a_new_file_makes_blocked_mails_again(emails: Path):
    before = Templates.load(emails.parent, LISTS).get_version("hello")
    (emails / "new.pdf").write_bytes(b"x")
    assert Templates.load(emails.parent, LISTS).get_version("hello") != before
