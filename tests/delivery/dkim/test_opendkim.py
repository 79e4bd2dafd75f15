"""OpenDKIM, as many receivers run it, verifies the signatures of both algorithms."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import pytest

from hogsend.delivery.dkim.private_keys import KeyPair
from hogsend.delivery.dkim.signature import sign_mail
from tests.conftest import skip_or_fail
from tests.delivery.dkim.conftest import to_signing_key
from tests.delivery.dkim.test_signature import MESSAGES


@pytest.fixture(scope="module")
def opendkim() -> str:
    path = shutil.which("opendkim", path="/usr/sbin:/usr/bin:/usr/local/sbin")
    if path is None:
        skip_or_fail("OpenDKIM verifies signatures here: apt-get install opendkim")
    return path


def test_opendkim_accepts_every_shape_of_mail_and_refuses_a_changed_one(
    opendkim: str, key_pairs: tuple[KeyPair, KeyPair], tmp_path: Path
) -> None:
    keys = [to_signing_key(pair) for pair in key_pairs]
    records = [
        f"s-{pair.algorithm}._domainkey.example.org v=DKIM1; k={pair.algorithm}; "
        f"p={pair.public_key}"
        for pair in key_pairs
    ]
    (tmp_path / "keys").write_text("\n".join(records) + "\n")
    (tmp_path / "conf").write_text(f"TestPublicKeys {tmp_path / 'keys'}\nMode v\n")
    for number, message in enumerate(MESSAGES.values()):
        signed = sign_mail(message.mime_bytes, keys, int(time.time()))
        (tmp_path / f"{number}.eml").write_bytes(signed)
    changed = signed.replace(b"\r\n\r\n", b"\r\n\r\nx", 1)
    (tmp_path / "changed.eml").write_bytes(changed)

    def verify(name: str) -> list[bool]:
        command = [opendkim, "-x", "conf", "-vvv", "-t", name]
        result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=30)
        lines = [line.strip() for line in result.stdout.splitlines()]
        return [line.startswith("dkim=pass") for line in lines if line.startswith("dkim=")]

    assert [verify(f"{number}.eml") for number in range(len(MESSAGES))] == [
        [True, True] for _ in MESSAGES
    ]
    assert verify("changed.eml") == [False, False]
