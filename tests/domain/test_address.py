"""Addresses: brought into one form, and refused where no mail could go."""

from __future__ import annotations

import unicodedata

import email_validator
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hogsend.domain.address import (
    check_address,
    is_plain_address,
    is_valid_address,
    normalize_email,
    parse_mailbox,
)

# Letters that email addresses are made of, and those at which their rules turn.
_LETTERS = "abzAZ019.-_+@!'x\"\\ ,\n\x00äßö한Ǻς。ⅳ\u200c"
_ADDRESSES = st.one_of(
    st.text(_LETTERS, max_size=24),
    st.builds(
        "{}@{}.{}".format,
        st.text(_LETTERS, min_size=1, max_size=8),
        st.text("abz01.-xnä", min_size=1, max_size=8),
        st.text("abz0-.", min_size=1, max_size=5),
    ),
)


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("ada@example.com", "ada@example.com"),
        ("  Ada.Lovelace@Example.COM ", "ada.lovelace@example.com"),
        ("ada+x_y@mail.example.co.uk", "ada+x_y@mail.example.co.uk"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("ada@BÜCHER.example", "ada@xn--bcher-kva.example"),
        ("ada@XN--BCHER-KVA.example", "ada@xn--bcher-kva.example"),
        # IDNA 2008 keeps the sharp s, which IDNA 2003 replaced.
        ("ada@straße.example", "ada@xn--strae-oqa.example"),
        ("o'neil@example.com", "o'neil@example.com"),
        ("jose\u0301@example.com", "jos\u00e9@example.com"),
        ("李@例え.jp", "李@xn--r8jz45g.jp"),
        # Networks of one house, and tests, have such names.
        ("ada@mail.corp.local", "ada@mail.corp.local"),
        ("ada@a.test", "ada@a.test"),
        ("ada@b\u00fccher.local", "ada@xn--bcher-kva.local"),
    ],
)
def test_an_address_is_brought_into_one_form(address: str, kept: str):
    assert normalize_email(address) == kept
    assert normalize_email(kept) == kept


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ada",
        "ada@",
        "@example.com",
        "ada@example",
        "ada@example..com",
        "a..da@example.com",
        "name+tag.@example.com",
        ".a@example.com",
        "ä.@example.com",
        ".ä@example.com",
        "ada@-example.com",
        "ada@example-.com",
        "ada@.example.com",
        "ada@example.com.",
        "ada@ab--cd.example",
        "ada@xn--0.example",
        "ada@xn--bcher-kv.example",
        "ada@exam ple.com",
        "ada@example.com\r\nBcc: eve@example.com",
        "ada@example.com\x00",
        "ada <ada@example.com>",
        '"ada lovelace"@example.com',
        "ada@[127.0.0.1]",
        "ada@1.2.3.4",
        "a@b@example.com",
        "a" * 65 + "@example.com",
        "ada@" + "a" * 64 + ".com",
        "ada@" + "a." * 130 + "com",
        "ada@" + "ä" * 60 + ".com",
        "ada@exam\x7fple.com",
        "ada@-example.local",
        "ada@local",
        "ada@\u2764.example",
        "ada@\ud800.example",
        "\u0301ada@example.com",
        "a\u202eda@example.com",
    ],
)
def test_an_address_that_cannot_get_mail_is_refused(address: str):
    with pytest.raises(ValueError, match="must be an email address"):
        normalize_email(address)
    assert not is_valid_address(address)


@pytest.mark.parametrize("part", ["a", "@", "a.", "a@a.", "\u00e4"])
def test_a_long_text_is_refused_at_once(part: str):
    with pytest.raises(ValueError, match="at most 254 bytes"):
        normalize_email(part * 50_000)


def test_a_refusal_has_its_reason():
    with pytest.raises(ValueError, match="An email address cannot have a period immediately"):
        normalize_email("name+tag.@example.com")


@given(_ADDRESSES)
@example("a@xn--a.bc")
@example("a@ab--c.de")
@example("a@b.c0")
@example("a" * 64 + "@b.cd")
@example("a" * 65 + "@b.cd")
@example("a@" + "b" * 63 + ".cd")
@example("a@" + "b" * 64 + ".cd")
@example("a@" + ".".join(["b" * 63] * 3) + "." + "c" * 59)
@example("a@" + ".".join(["b" * 63] * 3) + "." + "c" * 60)
@example("a@b.cd\n")
def test_the_quick_check_accepts_what_the_library_accepts_without_a_change(text: str):
    try:
        checked = email_validator.validate_email(text, check_deliverability=False, strict=True)
    except email_validator.EmailNotValidError:
        checked = None

    is_unchanged = checked is not None and checked.ascii_email == text
    if is_plain_address(text):
        assert is_unchanged
    elif is_unchanged:
        assert "xn--" in text or text != text.lower()


@given(_ADDRESSES)
@example("ada@xn--bcher-kva.example")
@example("a.@bücher.example")
@example("a" * 64 + "@bücher.example")
@example("a" * 65 + "@bücher.example")
@example("a" * 60 + "@" + ".".join(["ä" * 40] * 4) + ".cd")
def test_what_is_accepted_and_how_it_is_written_is_the_librarys_decision(text: str):
    lowered = text.strip().lower()
    try:
        checked = email_validator.validate_email(lowered, check_deliverability=False, strict=True)
    except email_validator.EmailNotValidError:
        with pytest.raises(ValueError, match="must be an email address"):
            check_address(lowered)
    else:
        assert check_address(lowered) == f"{checked.local_part}@{checked.ascii_domain}"


@given(_ADDRESSES)
def test_the_form_of_an_address_is_final(text: str):
    try:
        normal = normalize_email(text)
    except ValueError:
        return

    assert normalize_email(normal) == normal
    assert normalize_email(text.swapcase()) == normal or not text.isascii()
    assert normal == unicodedata.normalize("NFC", normal)
    assert normal.rpartition("@")[2].isascii()


def test_the_names_before_the_at_sign_keep_their_case_for_a_sender():
    assert check_address(" Ada.L@Example.COM ") == "Ada.L@example.com"


def test_only_this_machines_own_addresses_may_have_a_domain_without_a_dot():
    assert check_address("hogsend@localhost", allow_dotless=True) == "hogsend@localhost"
    for address in ("hogsend@local..host", ".a@localhost", "a.@localhost", "a@1.2.3.4"):
        with pytest.raises(ValueError, match="must be an email address"):
            check_address(address, allow_dotless=True)


@pytest.mark.parametrize(
    ("text", "name", "address"),
    [
        ("ada@example.com", "", "ada@example.com"),
        ("Ada <Ada@Example.com>", "Ada", "Ada@example.com"),
        (
            '"Lovelace, \\"Ada\\"" <ada@bücher.example>',
            'Lovelace, "Ada"',
            "ada@xn--bcher-kva.example",
        ),
        ("Hogsend <hogsend@localhost>", "Hogsend", "hogsend@localhost"),
        ("Ada\nL <ada@example.com>", "Ada L", "ada@example.com"),
    ],
)
def test_a_mailbox_is_a_name_and_an_address(text: str, name: str, address: str):
    assert parse_mailbox(text) == (name, address)


@pytest.mark.parametrize("text", ["", "Ada", "Ada <>", "Ada <a.@example.com>", "A <a@b.cd>\nB"])
def test_a_text_that_is_no_mailbox_is_refused(text: str):
    with pytest.raises(ValueError, match="must be an email address"):
        parse_mailbox(text)
