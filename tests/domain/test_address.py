"""Addresses: brought into one form, and refused where no mail could go."""

from __future__ import annotations

import pytest

from hogsend.domain.address import normalize_email


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("ada@example.com", "ada@example.com"),
        ("  Ada.Lovelace@Example.COM ", "ada.lovelace@example.com"),
        ("ada+x_y@mail.example.co.uk", "ada+x_y@mail.example.co.uk"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("o'neil@example.com", "o'neil@example.com"),
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
        "ada@exam ple.com",
        "ada@example.com\r\nBcc: eve@example.com",
        "ada@example.com\x00",
        "ada <ada@example.com>",
        "ada@1.2.3.4",
        "a@b@example.com",
        "a" * 65 + "@example.com",
        "ada@" + "a" * 64 + ".com",
        "ada@" + "a." * 130 + "com",
        "ada@exam\x7fple.com",
        "ada@\u2764.example",
    ],
)
def test_an_address_that_cannot_get_mail_is_refused(address: str):
    with pytest.raises(ValueError, match=r"must be an email address|domain that is not valid"):
        normalize_email(address)
