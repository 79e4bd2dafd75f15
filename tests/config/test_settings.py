"""Settings have defaults, and a wrong one is rejected with a remedy."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hogsend.config.secret import prepare_data
from hogsend.config.settings import SETTINGS, Settings, load_settings
from hogsend.config.value_text import format_value
from hogsend.errors import ConfigError, StartError

SECRET = "a-secret-of-forty-characters-0123456789-"


def test_without_any_setting_everything_has_a_default(tmp_path: Path) -> None:
    settings = load_settings({}, tmp_path)

    assert settings.data == tmp_path / "data"
    assert settings.database_url == f"sqlite://{tmp_path}/data/hogsend.db"
    assert settings.journeys == tmp_path / "journeys"
    assert (settings.host, settings.port) == ("127.0.0.1", 3002)
    assert settings.base_url == "http://127.0.0.1:3002"
    assert (settings.engine, settings.mail) == ("embedded", "inbox")
    assert settings.stop_timeout == 8
    assert set(settings.origins.values()) == {"default"}


def test_reading_settings_writes_nothing(tmp_path: Path) -> None:
    load_settings({"HOGSEND_DATA": "elsewhere"}, tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_every_setting_is_a_field_of_the_settings() -> None:
    fields = set(Settings.__dataclass_fields__)

    assert {setting.field for setting in SETTINGS} <= fields


def test_an_env_file_is_read_and_the_environment_wins(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "# a comment\nexport HOGSEND_FROM='Ada <ada@example.com>'\nOTHER=1\n"
        "HOGSEND_MAIL=smtp://u:pa$$HOME@mail.example.com:25 # the password has dollars\n"
        "HOGSEND_BIND=127.0.0.1:1\n"
    )

    settings = load_settings({"HOGSEND_BIND": "127.0.0.1:2"}, tmp_path)

    assert settings.sender == "Ada <ada@example.com>"
    assert settings.mail == "smtp://u:pa$$HOME@mail.example.com:25"
    assert settings.port == 2
    assert settings.origins["HOGSEND_FROM"] == ".env"
    assert settings.origins["HOGSEND_BIND"] == "environment"


def test_the_command_line_wins_over_the_environment(tmp_path: Path) -> None:
    settings = load_settings(
        {"HOGSEND_BIND": "127.0.0.1:2"}, tmp_path, {"HOGSEND_BIND": "127.0.0.1:3"}
    )

    assert settings.bind == "127.0.0.1:3"
    assert settings.origins["HOGSEND_BIND"] == "command line"


def test_an_empty_value_counts_as_none(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("HOGSEND_TEST_TO=me@example.com\nHOGSEND_API_KEY=\n")

    settings = load_settings({"HOGSEND_MAIL": "", "HOGSEND_TEST_TO": " "}, tmp_path)

    assert (settings.mail, settings.api_key) == ("inbox", None)
    assert settings.test_to == "me@example.com"


@pytest.mark.parametrize("place", ["environment", ".env"])
def test_an_unknown_name_is_an_error_that_suggests_the_right_one(
    tmp_path: Path, place: str
) -> None:
    if place == ".env":
        (tmp_path / ".env").write_text("HOGSEND_MIAL=inbox\n")
    environ = {"HOGSEND_MIAL": "inbox"} if place == "environment" else {}

    with pytest.raises(ConfigError, match=r"HOGSEND_MIAL.*Did you mean HOGSEND_MAIL\?"):
        load_settings(environ, tmp_path)


def test_a_name_that_resembles_no_setting_points_to_the_list(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="`hogsend settings`"):
        load_settings({"HOGSEND_QQQQQQ": "1"}, tmp_path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HOGSEND_BIND", "3002"),
        ("HOGSEND_BIND", "127.0.0.1:99999"),
        ("HOGSEND_BIND", "http://127.0.0.1:3002"),
        ("HOGSEND_BASE_URL", "mail.example.com"),
        ("HOGSEND_BASE_URL", "https://example.com/hogsend"),
        ("HOGSEND_BASE_URL", "https://example.com:99999"),
        ("HOGSEND_BASE_URL", 'https://exa"mple.com'),
        ("HOGSEND_BASE_URL", "https://:password@example.com"),
        ("HOGSEND_BASE_URL", "https://\u2764.example"),
        ("HOGSEND_BASE_URL", "https://-b\u00fccher.example"),
        ("HOGSEND_ENGINE", "temporal"),
        ("HOGSEND_DATABASE_URL", "mysql://host/name"),
        ("HOGSEND_DATABASE_URL", "sqlite://:memory:"),
        ("HOGSEND_MAIL", "sendmail"),
        ("HOGSEND_MAIL", "smtp://"),
        ("HOGSEND_FROM", "nobody"),
        ("HOGSEND_FROM", "A <a@example.com>\r\nBcc: b@example.com"),
        ("HOGSEND_FROM", "Ada <name+tag.@example.com>"),
        ("HOGSEND_FROM", ".a@example.com"),
        ("HOGSEND_FROM", "Ada <ada@\u2764.example>"),
        ("HOGSEND_TEST_TO", "a@example.com, b@example.com"),
        ("HOGSEND_TEST_TO", ".a@example.com"),
        ("HOGSEND_API_KEY", "hsk_short"),
        ("HOGSEND_SECRET", "short"),
        ("HOGSEND_SECRET", f"{SECRET},short"),
        ("HOGSEND_STOP_TIMEOUT", "soon"),
        ("HOGSEND_STOP_TIMEOUT", "nan"),
        ("HOGSEND_STOP_TIMEOUT", "-1"),
        ("HOGSEND_KEEP_JOURNALS", "0"),
        ("HOGSEND_KEEP_JOURNALS", "-1"),
        ("HOGSEND_KEEP_JOURNALS", "1.5"),
        ("HOGSEND_KEEP_JOURNALS", "never"),
        ("HOGSEND_KEEP_JOURNALS", "99999999"),
        ("HOGSEND_ALLOW_LOCAL_LINKS", "maybe"),
        ("HOGSEND_LOG_FORMAT", "xml"),
        ("HOGSEND_LOG_LEVEL", "loud"),
    ],
)
def test_an_invalid_value_names_the_setting_and_what_is_allowed(
    tmp_path: Path, name: str, value: str
) -> None:
    with pytest.raises(ConfigError) as refusal:
        load_settings({name: value}, tmp_path)

    assert name in refusal.value.message
    assert refusal.value.remedy
    secret = next(setting.secret for setting in SETTINGS if setting.name == name)
    assert (repr(value) in refusal.value.message) is not secret


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HOGSEND_BIND", "[::1]:3002"),
        ("HOGSEND_BIND", "0.0.0.0:0"),
        ("HOGSEND_BASE_URL", "https://mail.example.com/"),
        ("HOGSEND_MAIL", "smtps://user:password@mail.example.com:465"),
        ("HOGSEND_MAIL", "my_mail:Provider"),
        ("HOGSEND_FROM", "ada@example.com"),
        ("HOGSEND_LOG_LEVEL", "DEBUG"),
        ("HOGSEND_STOP_TIMEOUT", "0.5"),
    ],
)
def test_a_valid_value_is_accepted(tmp_path: Path, name: str, value: str) -> None:
    load_settings({name: value}, tmp_path)


@pytest.mark.parametrize(
    ("bind", "address"),
    [
        ("0.0.0.0:80", "http://localhost:80"),
        ("[::]:80", "http://localhost:80"),
        ("[::1]:80", "http://[::1]:80"),
        ("10.0.0.1:80", "http://10.0.0.1:80"),
    ],
)
def test_links_lead_to_the_bind_address_unless_set_otherwise(
    tmp_path: Path, bind: str, address: str
) -> None:
    assert load_settings({"HOGSEND_BIND": bind}, tmp_path).base_url == address


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("https://b\u00fccher.example", "https://xn--bcher-kva.example"),
        ("https://B\u00dcCHER.example:8443/", "https://xn--bcher-kva.example:8443"),
        ("https://stra\u00dfe.example", "https://xn--strae-oqa.example"),
        ("HTTPS://Mail.Example.COM/", "https://mail.example.com"),
        ("http://[2001:DB8::1]:80", "http://[2001:db8::1]:80"),
    ],
)
def test_the_public_address_is_turned_into_its_ascii_form(
    tmp_path: Path, value: str, address: str
) -> None:
    assert load_settings({"HOGSEND_BASE_URL": value}, tmp_path).base_url == address


@pytest.mark.parametrize(
    ("value", "sender"),
    [
        ("B\u00fccher <Info@B\u00fccher.example>", "B\u00fccher <info@xn--bcher-kva.example>"),
        ('"A, B" <Ada@Example.com>', '"A, B" <Ada@example.com>'),
        ("ada@b\u00fccher.example", "ada@xn--bcher-kva.example"),
    ],
)
def test_a_sender_has_the_ascii_form_of_its_domain(tmp_path: Path, value: str, sender: str) -> None:
    assert load_settings({"HOGSEND_FROM": value}, tmp_path).sender == sender


def test_a_hatchet_token_chooses_hatchet_unless_set_otherwise(tmp_path: Path) -> None:
    token = {"HATCHET_CLIENT_TOKEN": "token"}

    assert load_settings(token, tmp_path).engine == "hatchet"
    assert load_settings({**token, "HOGSEND_ENGINE": "embedded"}, tmp_path).engine == "embedded"
    (tmp_path / ".env").write_text("HATCHET_CLIENT_TOKEN=token\n")
    assert load_settings({}, tmp_path).engine == "hatchet"


@pytest.mark.parametrize("text", ["HOGSEND_MAIL\n", "HOGSEND_FROM='unfinished\n", "= x\n"])
def test_a_malformed_line_of_the_env_file_is_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / ".env").write_text(text)

    with pytest.raises(ConfigError, match="not NAME=value"):
        load_settings({}, tmp_path)


def test_an_env_file_that_is_not_text_is_an_error(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"HOGSEND_FROM=\xff\n")

    with pytest.raises(ConfigError, match=r"\.env cannot be read"):
        load_settings({}, tmp_path)


def test_secrets_are_neither_displayed_nor_in_the_representation(tmp_path: Path) -> None:
    key = "hsk_" + "k" * 43
    settings = load_settings(
        {
            "HOGSEND_SECRET": SECRET,
            "HOGSEND_API_KEY": key,
            "HOGSEND_MAIL": "smtp://user:hunter2@mail.example.com:25",
            "HOGSEND_DATABASE_URL": "postgres://ada:hunter2@db:5432/hogsend?password=hunter2",
        },
        tmp_path,
    )

    displayed = {setting.name: format_value(settings, setting) for setting in SETTINGS}

    for text in (repr(settings), str(displayed)):
        assert SECRET not in text and key not in text and "hunter2" not in text
    assert displayed["HOGSEND_MAIL"] == "smtp://user:…@mail.example.com:25"
    assert displayed["HOGSEND_DATABASE_URL"] == "postgres://ada:…@db:5432/hogsend?password=…"
    postmark = load_settings({"HOGSEND_MAIL": "postmark://token"}, tmp_path)
    assert format_value(postmark, next(s for s in SETTINGS if s.field == "mail")) == "postmark://…"


def test_the_first_start_creates_a_folder_and_a_secret_for_the_owner_alone(tmp_path: Path) -> None:
    settings = prepare_data(load_settings({}, tmp_path))

    assert read_mode(settings.data) == 0o700
    assert read_mode(settings.data / "secret") == 0o600
    assert [path.name for path in settings.data.iterdir()] == ["secret"]
    assert len(settings.secrets[0]) >= 43
    assert settings.origins["HOGSEND_SECRET"] == str(settings.data / "secret")


def test_the_secret_is_created_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        starts = [
            threads.submit(prepare_data, load_settings({}, tmp_path / "project")) for _ in range(16)
        ]
        secrets = {start.result().secrets for start in starts}

    assert len(secrets) == 1
    assert prepare_data(load_settings({}, tmp_path / "project")).secrets in secrets


def test_permissions_that_let_others_read_are_removed(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o755)
    (data / "secret").write_text(SECRET)
    (data / "secret").chmod(0o644)

    settings = prepare_data(load_settings({}, tmp_path))

    assert settings.secrets == (SECRET,)
    assert (read_mode(data), read_mode(data / "secret")) == (0o700, 0o600)


def test_trusted_proxies_are_addresses_and_networks(tmp_path: Path) -> None:
    def read(text: str) -> tuple[str, ...]:
        return load_settings({"HOGSEND_TRUSTED_PROXIES": text}, tmp_path).trusted_proxies

    assert read("") == ()
    assert read("127.0.0.1, 10.0.0.0/8,::1") == ("127.0.0.1/32", "10.0.0.0/8", "::1/128")
    for wrong in ("caddy", "10.0.0.1/8", "*", "127.0.0.1:3002"):
        with pytest.raises(ConfigError, match="HOGSEND_TRUSTED_PROXIES"):
            read(wrong)


@pytest.mark.parametrize("mode", [0o1777, 0o1700, 0o777, 0o770, 0o775, 0o2775, 0o757])
def test_a_data_folder_that_others_share_is_refused_and_not_changed(
    tmp_path: Path, mode: int
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    data.chmod(mode)

    with pytest.raises(StartError, match="HOGSEND_DATA"):
        prepare_data(load_settings({}, tmp_path))

    assert stat.S_IMODE(data.stat().st_mode) == mode and list(data.iterdir()) == []


def test_a_folder_with_files_of_other_programs_is_refused_and_not_changed(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "mail").mkdir()
    data.chmod(0o755)

    with pytest.raises(StartError, match="other programs"):
        prepare_data(load_settings({}, tmp_path))

    assert read_mode(data) == 0o755


@pytest.mark.skipif(os.geteuid() != 0, reason="Only root can give a folder to another user.")
def test_a_data_folder_of_another_user_is_refused_and_not_changed(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    data.chmod(0o755)
    os.chown(data, 65534, 65534)

    with pytest.raises(StartError, match="belongs to another user"):
        prepare_data(load_settings({}, tmp_path))

    assert read_mode(data) == 0o755 and list(data.iterdir()) == []


def test_a_secret_that_is_set_is_not_written_to_the_folder(tmp_path: Path) -> None:
    both = f"{SECRET}, {SECRET[::-1]}"

    settings = prepare_data(load_settings({"HOGSEND_SECRET": both}, tmp_path))

    assert settings.secrets == (SECRET, SECRET[::-1])
    assert list(settings.data.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 50])
def test_a_damaged_secret_is_never_replaced(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "secret").write_bytes(content)

    with pytest.raises(StartError, match="Put it back from a backup"):
        prepare_data(load_settings({}, tmp_path))

    assert (tmp_path / "data" / "secret").read_bytes() == content


def test_a_file_in_place_of_the_data_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")

    with pytest.raises(StartError, match="HOGSEND_DATA"):
        prepare_data(load_settings({}, tmp_path))


@pytest.fixture
def read_only_folder() -> Iterator[Path]:
    """A folder that this process can read and not write, also when it is run by root."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o555)
        am_root = os.geteuid() == 0
        if am_root:
            os.seteuid(65534)
        try:
            yield folder
        finally:
            if am_root:
                os.seteuid(0)
            folder.chmod(0o755)


def test_a_read_only_folder_is_an_error_with_a_remedy(read_only_folder: Path) -> None:
    for data in ("data", "."):
        settings = load_settings({"HOGSEND_DATA": data}, read_only_folder)
        with pytest.raises(StartError, match="HOGSEND_DATA"):
            prepare_data(settings)


def test_settings_are_read_without_heavy_imports() -> None:
    code = (
        "import sys, hogsend.config.settings;"
        "print([m for m in ('pydantic', 'tortoise', 'rich', 'dotenv') if m in sys.modules])"
    )

    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )

    assert run.stdout.strip() == "[]"


def read_mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_retention_is_a_number_of_days_or_forever(tmp_path: Path) -> None:
    environment = {"HOGSEND_KEEP_INBOX": "7", "HOGSEND_KEEP_MAILS": "Forever"}
    settings = load_settings(environment, tmp_path)

    assert settings.keep_journals == 90
    assert settings.keep_inbox == 7
    assert settings.keep_mails is None
    displayed = {setting.name: format_value(settings, setting) for setting in SETTINGS}
    assert displayed["HOGSEND_KEEP_MAILS"] == "forever"
    assert displayed["HOGSEND_KEEP_INBOX"] == "7"
    assert displayed["HOGSEND_API_KEY"] == ""


def test_lists_and_durations_are_displayed_the_way_they_are_set(tmp_path: Path) -> None:
    environment = {"HOGSEND_HATCHET_EVENTS": "a:*, b", "HOGSEND_LATE_EVENT_LIMIT": "36"}
    settings = load_settings(environment, tmp_path)

    displayed = {setting.name: format_value(settings, setting) for setting in SETTINGS}
    assert displayed["HOGSEND_HATCHET_EVENTS"] == "a:*, b"
    assert displayed["HOGSEND_LATE_EVENT_LIMIT"] == "36"
