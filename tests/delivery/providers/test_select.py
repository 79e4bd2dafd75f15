"""Which provider is chosen, and which settings are refused before a mail can leave."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hogsend.clock import ManualClock
from hogsend.config.settings import load_settings
from hogsend.delivery.feedback.return_path import ReturnPath
from hogsend.delivery.providers.inbox import InboxProvider
from hogsend.delivery.providers.port import Provider
from hogsend.delivery.providers.provider_url import parse_provider_url
from hogsend.delivery.providers.select import API_PROVIDERS, choose_greeting, select_providers
from hogsend.delivery.providers.smtp import SmtpProvider
from hogsend.errors import ConfigError
from hogsend.store.change_feed import ChangeFeed
from hogsend.store.db import Database
from tests.delivery.providers.contract import allow_handoff, make_message
from tests.sinks.smtp_sink import SmtpSink

OUTSIDE = {
    "HOGSEND_MAIL": "smtp://hog:pass@mail.example.com",
    "HOGSEND_FROM": "Example <hello@example.com>",
    "HOGSEND_BASE_URL": "https://app.example.com",
}
CARRIERS = """
from hogsend.delivery.providers.port import Provider

class Pigeons(Provider):
    name = "pigeons"

    async def deliver(self, message, before_handoff):
        await before_handoff()

class Nameless(Provider):
    async def deliver(self, message, before_handoff):
        await before_handoff()

class Doves:
    name = "doves"

    async def deliver(self, message, before_handoff):
        pass

class Incomplete(Provider):
    name = "incomplete"

class Demanding(Pigeons):
    def __init__(self, seed):
        pass
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A working folder with a custom provider beside the journeys."""
    (tmp_path / "journeys").mkdir()
    (tmp_path / "journeys" / "carriers.py").write_text(CARRIERS)
    before = list(sys.path)
    yield tmp_path
    sys.path[:] = before
    sys.modules.pop("carriers", None)


def select(folder: Path, clock: ManualClock, **environ: str) -> Provider:
    settings = load_settings(environ, folder)
    providers = select_providers(settings, Database(settings.database_url), clock, ChangeFeed())
    return providers[providers.names[0]]


def test_mail_is_captured_when_nothing_is_set(folder: Path, clock: ManualClock) -> None:
    assert isinstance(select(folder, clock), InboxProvider)


def test_a_remote_server_is_used_when_sender_and_public_address_are_set(
    folder: Path, clock: ManualClock
) -> None:
    provider = select(folder, clock, **OUTSIDE)

    assert isinstance(provider, SmtpProvider)
    assert provider.server.host == "mail.example.com"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "mail.localhost"])
def test_a_local_server_needs_neither_sender_nor_public_address(
    folder: Path, clock: ManualClock, host: str
) -> None:
    provider = select(folder, clock, HOGSEND_MAIL=f"smtp://{host}:1025")

    assert isinstance(provider, SmtpProvider)


@pytest.mark.parametrize("mail", [OUTSIDE["HOGSEND_MAIL"], "carriers:Pigeons"])
def test_mail_does_not_leave_without_a_sender(folder: Path, clock: ManualClock, mail: str) -> None:
    environ = {**OUTSIDE, "HOGSEND_MAIL": mail}
    del environ["HOGSEND_FROM"]

    with pytest.raises(ConfigError, match="HOGSEND_FROM"):
        select(folder, clock, **environ)


@pytest.mark.parametrize("mail", [OUTSIDE["HOGSEND_MAIL"], "carriers:Pigeons"])
@pytest.mark.parametrize(
    "base",
    [
        "",
        "http://127.0.0.1:3002",
        "https://localhost:3002",
        "https://[::1]",
        "http://app.example.com",
    ],
)
def test_mail_does_not_leave_with_links_that_recipients_cannot_open(
    folder: Path, clock: ManualClock, mail: str, base: str
) -> None:
    environ = {**OUTSIDE, "HOGSEND_MAIL": mail, "HOGSEND_BASE_URL": base}

    with pytest.raises(ConfigError, match="HOGSEND_ALLOW_LOCAL_LINKS=1"):
        select(folder, clock, **environ)

    assert select(folder, clock, **environ, HOGSEND_ALLOW_LOCAL_LINKS="1")


def test_a_custom_provider_is_found_beside_the_journeys(folder: Path, clock: ManualClock) -> None:
    provider = select(folder, clock, **{**OUTSIDE, "HOGSEND_MAIL": "carriers:Pigeons"})

    assert provider.name == "pigeons"


@pytest.mark.parametrize(
    ("mail", "reason"),
    [
        ("carriers:Doves", "not a provider"),
        ("carriers:Nameless", "not a provider"),
        ("carriers:Incomplete", "deliver"),
        ("carriers:Swallows", "Swallows"),
        ("carriers:Demanding", "seed"),
        ("nowhere:Pigeons", "nowhere"),
    ],
)
def test_an_unusable_provider_is_refused_with_a_remedy(
    folder: Path, clock: ManualClock, mail: str, reason: str
) -> None:
    with pytest.raises(ConfigError, match=reason) as refused:
        select(folder, clock, **{**OUTSIDE, "HOGSEND_MAIL": mail})

    assert refused.value.remedy


ADDRESSES = {
    "resend": "resend://re_key?webhook_secret=whsec_YQ+/==",
    "postmark": "postmark://token?webhook=hog:pass&stream=broadcast",
    "ses": "ses://AKIA:sec%2Fret+@eu-west-1?topic=arn:aws:sns:eu-west-1:123456789012:mail",
    "mailgun": "mailgun://key@mg.example.com?region=eu&signing_key=abc",
    "sendgrid": "sendgrid://SG.key",
    "brevo": "brevo://xkeysib-key?webhook_token=abc",
}


@pytest.mark.parametrize("mail", ADDRESSES.values(), ids=ADDRESSES)
def test_a_provider_with_an_api_is_chosen_by_its_address(
    folder: Path, clock: ManualClock, mail: str
) -> None:
    provider = select(folder, clock, **{**OUTSIDE, "HOGSEND_MAIL": mail})

    assert provider.name == mail.partition(":")[0]


@pytest.mark.parametrize("mail", ADDRESSES.values(), ids=ADDRESSES)
def test_an_api_needs_a_sender_unless_it_is_on_this_machine(
    folder: Path, clock: ManualClock, mail: str
) -> None:
    with pytest.raises(ConfigError, match="HOGSEND_FROM"):
        select(folder, clock, HOGSEND_MAIL=mail)

    separator = "&" if "?" in mail else "?"
    assert select(folder, clock, HOGSEND_MAIL=f"{mail}{separator}url=http://127.0.0.1:9")


def test_every_provider_has_an_address_here() -> None:
    assert set(ADDRESSES) == set(API_PROVIDERS)


@pytest.mark.parametrize(
    ("mail", "reason"),
    [
        ("resend://?webhook_secret=s3cret", "not the address"),
        ("resend://s3cret:other", "not the address"),
        ("resend://s3cret/other", "not the address"),
        ("resend://s3cret#part", "not the address"),
        ("resend://s3cret?webhook=s3cret", "option that resend does not have"),
        ("resend://s3cret?url=http://api.example.com", "does not encrypt"),
        ("ses://s3cret@eu-west-1", "not the address"),
        ("ses://id:s3cret@europe", "region of Amazon that does not exist"),
        ("ses://id:s3cret/more@eu-west-1", "not the address"),
        ("mailgun://s3cret", "not the address"),
        ("mailgun://s3cret@mg.example.com?region=mars", "region that Mailgun does not have"),
        ("sendgrid://key?webhook_key=s3cret", "not a key of SendGrid"),
        ("resend://s3cret?url=elsewhere", "url for resend that is not an address"),
    ],
)
def test_a_malformed_address_of_an_api_is_refused_without_its_key(
    folder: Path, clock: ManualClock, mail: str, reason: str
) -> None:
    with pytest.raises(ConfigError, match=reason) as refused:
        select(folder, clock, **{**OUTSIDE, "HOGSEND_MAIL": mail})

    assert "s3cret" not in f"{refused.value}{refused.value.remedy}"


def test_an_address_keeps_its_key_to_itself() -> None:
    url = parse_provider_url("resend://s3cret", "resend://KEY", frozenset())

    assert "s3cret" not in repr(url)


@pytest.mark.parametrize(
    ("base", "greeting"),
    [
        ("https://app.example.com", "app.example.com"),
        ("https://192.0.2.7:8443", "[192.0.2.7]"),
        ("https://[2001:db8::1]", "[IPv6:2001:db8::1]"),
        ("http://localhost:3002", "[127.0.0.1]"),
        ("https://intranet", "[127.0.0.1]"),
    ],
)
def test_the_greeting_is_a_name_that_servers_accept(base: str, greeting: str) -> None:
    assert choose_greeting(base) == greeting


async def test_mails_over_smtp_have_a_signed_return_path_of_their_own(
    folder: Path, database: Database, clock: ManualClock
) -> None:
    async with SmtpSink() as sink:
        settings = load_settings(
            {
                "HOGSEND_MAIL": sink.url,
                "HOGSEND_RETURN_PATH": "bounces@return.example.org",
                "HOGSEND_SECRET": "s" * 43,
            },
            folder,
        )
        provider = select_providers(settings, database, clock, ChangeFeed())["smtp"]
        messages = [make_message(), make_message()]
        for message in messages:
            await provider.deliver(message, allow_handoff)
        await provider.close()

        return_path = ReturnPath("bounces@return.example.org", ["s" * 43])
        senders = [mail.sender.partition(" ")[0] for mail in sink.mails]
        assert [return_path.read(sender) for sender in senders] == [
            message.send_id for message in messages
        ]
