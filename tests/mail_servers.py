"""Postfix and Dovecot, each in a folder of its own and on ports of this machine."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import skip_or_fail
from tests.patience import PATIENCE
from tests.ports import free_port

DOMAIN, RETURN_DOMAIN = "receiver.test", "return.example.org"
USER, PASSWORD = "bounces", "correct/horse"
_PATH = "/usr/sbin:/usr/bin:/usr/local/sbin"
_MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = mx.{domain}
mydestination = {domain}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
mail_spool_directory = {folder}/mail
alias_maps =
alias_database =
# It accepts mail for everybody, and finds out later that there is no such user.
local_recipient_maps =
transport_maps = inline:{{ {return_domain}=lmtp:inet:127.0.0.1:{lmtp_port} }}
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
"""
_MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""
_DOVECOT = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_failure_delay = 0
mail_location = maildir:{folder}/mail
first_valid_uid = 1
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail
}}
namespace inbox {{
  inbox = yes
}}
# No pause after a wrong password.
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service imap-login {{
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
"""


@contextmanager
def run_postfix(lmtp_port: int) -> Generator[int]:
    """Run a receiver of the mail of `DOMAIN`, which has no users.

    Args:
        lmtp_port: where it hands over the mail to `RETURN_DOMAIN`.

    Yields:
        The port for SMTP.
    """
    postfix = _find("postfix")
    with _create_folder() as folder:
        port = free_port()
        (folder / "queue").mkdir()
        (folder / "data").mkdir()
        shutil.chown(folder / "data", "postfix")
        values = {
            "folder": folder,
            "domain": DOMAIN,
            "return_domain": RETURN_DOMAIN,
            "lmtp_port": lmtp_port,
            "port": port,
        }
        (folder / "main.cf").write_text(_MAIN.format(**values))
        (folder / "master.cf").write_text(_MASTER.format(**values))
        _run(postfix, "-c", str(folder), "start")
        try:
            _wait_for(port, folder / "log")
            yield port
        finally:
            _run(postfix, "-c", str(folder), "stop")


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A mailbox that Dovecot serves.

    Args:
        port: the port for IMAP.
        folder: the Maildir.
    """

    port: int
    folder: Path

    @property
    def url(self) -> str:
        """The value of HOGSEND_BOUNCES."""
        return f"imap://{USER}:{PASSWORD.replace('/', '%2F')}@127.0.0.1:{self.port}/INBOX"

    def add(self, name: str, raw: bytes) -> None:
        """Put an unread mail into the inbox."""
        path = self.folder / "new" / name
        path.write_bytes(raw)
        shutil.chown(path, "nobody")

    def create_folder(self, name: str) -> None:
        """Create a folder beside the inbox."""
        for part in ("cur", "new", "tmp"):
            (self.folder / f".{name}" / part).mkdir(parents=True)
        _chown(self.folder)


@contextmanager
def run_dovecot() -> Generator[Mailbox]:
    """Run a server of one mailbox."""
    dovecot = _find("dovecot")
    with _create_folder() as folder:
        mailbox = Mailbox(free_port(), folder / "mail")
        for part in ("cur", "new", "tmp"):
            (mailbox.folder / part).mkdir(parents=True)
        _chown(mailbox.folder)
        nobody = pwd.getpwnam("nobody")
        config = folder / "dovecot.conf"
        values = {"uid": nobody.pw_uid, "gid": nobody.pw_gid, "password": PASSWORD}
        config.write_text(_DOVECOT.format(folder=folder, port=mailbox.port, **values))
        _run(dovecot, "-c", str(config))
        try:
            _wait_for(mailbox.port, folder / "log")
            yield mailbox
        finally:
            _run(dovecot, "-c", str(config), "stop")


def _find(program: str) -> str:
    path = shutil.which(program, path=_PATH)
    if path is None:
        skip_or_fail(f"{program} runs here: apt-get install postfix dovecot-imapd")
    if os.geteuid() != 0:
        skip_or_fail(f"{program} runs here, which needs root.")
    return path


@contextmanager
def _create_folder() -> Generator[Path]:
    """Create a folder that users other than root can enter."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


def _chown(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        shutil.chown(path, "nobody")


def _run(*command: str) -> None:
    # The servers keep the output open, so nothing may wait for its end.
    subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=60,
        check=True,
    )


def _wait_for(port: int, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as line:
                assert line.recv(1)
                return
        except OSError:
            time.sleep(0.02)
    raise AssertionError(log.read_text() if log.exists() else "no log")
