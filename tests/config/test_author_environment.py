"""Journeys find the author's names of `.env` in their environment, and nothing shows the values."""

from __future__ import annotations

from pathlib import Path

import pytest

from hogsend.config import author_environment
from hogsend.config.author_environment import export_author_variables, mask_author_secrets
from hogsend.errors import ConfigError
from hogsend.process.redaction import mask_secrets


@pytest.fixture(autouse=True)
def forget_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(author_environment, "_masked", [])


def export(folder: Path, text: str, **environ: str) -> dict[str, str]:
    (folder / ".env").write_text(text)
    export_author_variables(folder, environ)
    return environ


def test_names_of_the_author_are_set_and_ours_are_not(tmp_path: Path) -> None:
    text = "HOGSEND_FROM=a@b.example\nHATCHET_CLIENT_TOKEN=x\nSHOP=acme\nSTRIPE_KEY='a b'\nEMPTY=\n"
    assert export(tmp_path, text) == {"SHOP": "acme", "STRIPE_KEY": "a b", "EMPTY": ""}


def test_the_real_environment_wins_even_when_it_is_empty(tmp_path: Path) -> None:
    environ = export(tmp_path, "A=file\nB=file\n", A="real", B="")
    assert environ == {"A": "real", "B": ""}


def test_a_value_that_no_environment_can_hold_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^B in .*/\.env has a NUL character"):
        export(tmp_path, "A=1\nB=a\0b\n")


def test_a_missing_file_sets_nothing(tmp_path: Path) -> None:
    export_author_variables(tmp_path, environ := {})
    assert environ == {}


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        ("STRIPE_KEY=longsecret", "longsecret"),
        ("SMTP_PASSWORD=hunter22", "hunter22"),
        ("SLACK=https://hooks.slack.example/services/T0AB/B1CD/xyz", "services/T0AB/B1CD/xyz"),
        ("DATABASE=postgres://ada:passphrase@db/shop", "passphrase"),
        ("SIGNING_SECRET='a+b/c=d e'", "a%2Bb%2Fc%3Dd%20e"),
        ("DBPASSWORD_2=hunter22", "hunter22"),
        ("AWS_CREDENTIALS=hunter22", "hunter22"),
        ("SIGNING_SECRET='a\"b\\c\nd'", 'a\\"b\\\\c\\nd'),
        (
            "PEM_KEY='-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0\n-----'",
            "MIIEvQIBADANBgkqhkiG9w0",
        ),
        ("SENTRY=https://0123456789abcdef0123@sentry.example/1", "0123456789abcdef0123"),
    ],
)
def test_a_secret_is_masked_wherever_it_is_written(tmp_path: Path, line: str, secret: str) -> None:
    value = export(tmp_path, line).popitem()[1]
    for text in (value, secret):
        error = f"Client error '401' for url 'https://api.example/?q={value}&r={secret}' {text}"
        assert secret not in mask_author_secrets(error)
        assert value not in mask_author_secrets(error)
    assert value not in mask_secrets(f"the request with {value} failed")


def test_a_secret_of_the_real_environment_is_masked_too(tmp_path: Path) -> None:
    export(tmp_path, "STRIPE_KEY=from-the-file", STRIPE_KEY="from-outside")
    assert mask_author_secrets("got from-outside") == "got …"


def test_ordinary_words_stay_readable_beside_secrets(tmp_path: Path) -> None:
    """The folder and the package are called like the database and the author."""
    lines = [
        "DATABASE_URL=postgres://app:passphrase@db/hogsend",
        "LOGIN_HOOK=https://shop.example/journeys",
        "AUTHOR=journeys",
        "KEYBOARD=hogsend",
    ]
    export(tmp_path, "\n".join(lines))
    text = "/srv/hogsend/journeys/welcome.py"
    assert mask_author_secrets(text) == text


def test_ordinary_values_stay_readable(tmp_path: Path) -> None:
    export(tmp_path, "STAGE=production\nREGION=eu-central-1\nKEY=ab\nAPI=https://api.example.com\n")
    text = "production eu-central-1 ab https://api.example.com"
    assert mask_author_secrets(text) == text
