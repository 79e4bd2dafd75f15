"""The address of an SMTP server in `HOGSEND_MAIL`."""

from __future__ import annotations

import pytest

from hogsend.delivery.providers.smtp_server import SmtpServer, parse_server
from hogsend.errors import ConfigError


@pytest.mark.parametrize(
    ("url", "server"),
    [
        (
            "smtp://hog:pa%40ss%2F@mail.example.com:2525",
            SmtpServer("mail.example.com", 2525, "hog", "pa@ss/", start_tls="require"),
        ),
        (
            "smtp://hog:pass@mail.example.com",
            SmtpServer("mail.example.com", 587, "hog", "pass", start_tls="require"),
        ),
        ("smtp://mail.example.com", SmtpServer("mail.example.com", 25)),
        (
            "smtps://hog:pass@mail.example.com",
            SmtpServer("mail.example.com", 465, "hog", "pass", tls=True, start_tls="never"),
        ),
        ("smtp://localhost:1025", SmtpServer("localhost", 1025, verify=False)),
        (
            "smtp://hog:pass@127.0.0.1:1025/",
            SmtpServer("127.0.0.1", 1025, "hog", "pass", verify=False),
        ),
        ("smtp://[::1]:1025", SmtpServer("::1", 1025, verify=False)),
        (
            "smtp://10.0.0.5:25?starttls=never&verify=0&pool=2",
            SmtpServer("10.0.0.5", 25, start_tls="never", verify=False, pool=2),
        ),
        ("smtp://localhost?verify=1", SmtpServer("localhost", 25)),
        (
            "smtp://hog:pass@mail.example.com?starttls=auto",
            SmtpServer("mail.example.com", 587, "hog", "pass"),
        ),
    ],
)
def test_a_url_says_how_to_connect_to_the_server(url: str, server: SmtpServer) -> None:
    assert parse_server(url) == server


@pytest.mark.parametrize(
    "url",
    [
        "smtp://",
        "smtp://:25",
        "smtp://host:99999",
        "smtp://host/path",
        "smtp://host?starttls=maybe",
        "smtp://host?verify=yes",
        "smtp://host?pool=0",
        "smtp://host?pool=²",
        "smtps://host?starttls=require",
        "smtp://hog:s3cret?x@host",
        "smtp://hog:s3cret#x@host",
        "smtp://hog:s3cret/x@host",
        "smtp://[::1",
        "http://host",
    ],
)
def test_an_address_that_cannot_be_read_gets_a_remedy_and_keeps_its_password(url: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse_server(url)

    assert "HOGSEND_MAIL" in refused.value.message
    assert refused.value.remedy
    assert "s3cret" not in str(refused.value)


def test_a_server_is_shown_without_its_password() -> None:
    assert "pass" not in repr(parse_server("smtp://hog:pass@mail.example.com"))
