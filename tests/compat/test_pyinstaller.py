"""What the one-file binary does about its two processes and the folder it unpacks into."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hogsend.compat.pyinstaller import follow_parent, remove_abandoned_folders

FOLLOW = "import sys; sys._MEIPASS = '/nowhere/_MEItest'; import hogsend.compat.pyinstaller as f; "


def unpacked(folder: Path, *, mark: bool = True) -> Path:
    folder.mkdir()
    (folder / "library.so").write_text("")
    if mark:
        (folder / "hogsend.lock").write_text("")
    return folder


@pytest.fixture
def ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = unpacked(tmp_path / "_MEIours", mark=False)
    monkeypatch.setattr(sys, "_MEIPASS", str(folder), raising=False)
    return folder


def test_a_folder_left_by_a_killed_process_is_removed_at_the_next_start(ours: Path):
    dead = unpacked(ours.parent / "_MEIdead")
    remove_abandoned_folders()
    assert not dead.exists()
    assert ours.exists()


def test_the_folder_of_a_living_process_stays(ours: Path):
    alive = unpacked(ours.parent / "_MEIalive")
    held = os.open(alive / "hogsend.lock", os.O_RDWR)
    fcntl.flock(held, fcntl.LOCK_EX)
    remove_abandoned_folders()
    os.close(held)
    assert (alive / "library.so").exists()


def test_the_folder_of_another_program_stays(ours: Path):
    foreign = unpacked(ours.parent / "_MEIforeign", mark=False)
    remove_abandoned_folders()
    assert foreign.exists()


def test_a_link_to_a_folder_is_not_followed(ours: Path, tmp_path: Path):
    precious = unpacked(tmp_path / "precious")
    (ours.parent / "_MEIlink").symlink_to(precious)
    remove_abandoned_folders()
    assert (precious / "library.so").exists()


def test_the_running_program_is_marked_as_alive_for_the_next(ours: Path):
    remove_abandoned_folders()
    with (
        (ours / "hogsend.lock").open() as mark,
        pytest.raises(BlockingIOError),
    ):
        fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_outside_the_binary_nothing_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delattr(sys, "_MEIPASS", raising=False)
    dead = unpacked(tmp_path / "_MEIdead")
    follow_parent()
    remove_abandoned_folders()
    assert dead.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems cannot follow a parent")
def test_the_second_process_dies_with_the_first():
    second = FOLLOW + "f.follow_parent(); print('following', flush=True); sys.stdin.read()"
    first = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {second!r}])"
    with subprocess.Popen(
        [sys.executable, "-c", first], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "following\n"
        process.kill()
        # The pipe ends when the second process, who holds its other side as well, has died.
        ended, _, _ = select.select([process.stdout], [], [], 10)
        assert ended


@pytest.mark.skipif(sys.platform != "linux", reason="other systems cannot follow a parent")
def test_an_orphan_leaves_at_once():
    program = f'{FOLLOW}f.follow_parent(); print("stayed")'
    ended = subprocess.run(
        ["sh", "-c", f"{sys.executable} -c '{program.replace(chr(39), chr(34))}'; exit $?"],
        capture_output=True,
        text=True,
    )
    assert (ended.returncode, ended.stdout) == (128 + signal.SIGKILL, "")
