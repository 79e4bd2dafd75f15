"""Tokens of links: signed, of one kind, opaque, and never an open redirect."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hogsend.delivery.tokens import MAX_URL_LENGTH, ClickToken, RecipientToken, Tokens

ADA = UUID("01900000-0000-7000-8000-00000000ada0")
MAIL = UUID("01900000-0000-7000-8000-0000000000e1")
TOKENS = Tokens(["the secret in use"])

EXAMPLES: dict[str, str] = {
    "unsubscribe": TOKENS.sign_unsubscribe(ADA, "tips", MAIL),
    "preferences": TOKENS.sign_preferences(ADA, "tips", MAIL),
    "click": TOKENS.sign_click(MAIL, 3, "https://example.com/"),
    "open": TOKENS.sign_open(MAIL),
    "view": TOKENS.sign_view(MAIL),
}


def get_reader(tokens: Tokens, kind: str) -> Callable[[str], Any]:
    return getattr(tokens, f"read_{kind}")


def test_a_signed_token_is_read_back():
    recipient = RecipientToken(ADA, "tips", MAIL)
    assert TOKENS.read_unsubscribe(EXAMPLES["unsubscribe"]) == recipient
    assert TOKENS.read_preferences(EXAMPLES["preferences"]) == recipient
    assert TOKENS.read_click(EXAMPLES["click"]) == ClickToken(MAIL, 3, "https://example.com/")
    assert TOKENS.read_open(EXAMPLES["open"]) == MAIL
    assert TOKENS.read_view(EXAMPLES["view"]) == MAIL


def test_a_consent_link_outside_a_mail_names_no_mail():
    token = TOKENS.sign_preferences(ADA, "journey", None)
    assert TOKENS.read_preferences(token) == RecipientToken(ADA, "journey", None)


@pytest.mark.parametrize("kind", EXAMPLES)
@pytest.mark.parametrize("other", EXAMPLES)
def test_a_token_of_one_kind_is_not_valid_as_another(kind: str, other: str):
    assert (get_reader(TOKENS, other)(EXAMPLES[kind]) is not None) == (kind == other)


def test_a_replaced_secret_still_verifies_and_a_removed_one_does_not():
    token = EXAMPLES["unsubscribe"]
    assert Tokens(["a new secret", "the secret in use"]).read_unsubscribe(token) is not None
    assert Tokens(["a new secret"]).read_unsubscribe(token) is None


def test_the_first_secret_signs():
    rotated = Tokens(["a new secret", "the secret in use"])
    assert Tokens(["a new secret"]).read_open(rotated.sign_open(MAIL)) == MAIL


def test_tokens_without_a_secret_are_refused():
    with pytest.raises(ValueError, match="secret"):
        Tokens([""])


@pytest.mark.parametrize("kind", EXAMPLES)
def test_no_single_character_can_be_changed(kind: str):
    token = EXAMPLES[kind]
    for position, character in enumerate(token):
        for other in ("A", "b", "-"):
            if other != character:
                tampered = token[:position] + other + token[position + 1 :]
                assert get_reader(TOKENS, kind)(tampered) is None


@pytest.mark.parametrize("kind", EXAMPLES)
@pytest.mark.parametrize(
    "change",
    [
        lambda token: "",
        lambda token: token[:-1],
        lambda token: token + "A",
        lambda token: token + "=",
        lambda token: " " + token,
        lambda token: token + "\n",
        lambda token: token + "\0",
        lambda token: "\ud800" + token,
        lambda token: token * 1000,
        lambda token: token.replace("-", "+").replace("_", "/") + "+",
        lambda token: "é" * 40,
    ],
)
def test_a_malformed_token_is_none_and_raises_nothing(kind: str, change: Callable[[str], str]):
    assert get_reader(TOKENS, kind)(change(EXAMPLES[kind])) is None


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda b: b.hex()))
def test_an_unsigned_token_is_not_read(token: str):
    assert all(get_reader(TOKENS, kind)(token) is None for kind in EXAMPLES)


@given(st.integers(0, 65_535), st.text(st.characters(codec="ascii", categories=["L", "N"])))
def test_any_web_address_is_read_back_from_its_token(position: int, path: str):
    url = f"https://example.com/{path}?a=1&b=%20#part"
    assert TOKENS.read_click(TOKENS.sign_click(MAIL, position, url)) == ClickToken(
        MAIL, position, url
    )


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "//example.com",
        "/local",
        "https:///example.com",
        "https://exam ple.com",
        "https://example.com/\r\nSet-Cookie: a=b",
        "https://example.com/" + "a" * MAX_URL_LENGTH,
    ],
)
def test_only_web_addresses_of_a_moderate_length_are_signed(url: str):
    with pytest.raises(ValueError, match="web addresses"):
        TOKENS.sign_click(MAIL, 0, url)


def test_a_token_shows_no_address_and_fits_a_path():
    for token in EXAMPLES.values():
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        assert b"@" not in raw
        assert token.replace("-", "").replace("_", "").isalnum()
