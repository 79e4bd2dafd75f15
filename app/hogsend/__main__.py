"""The entry point of `hogsend`, `python -m hogsend` and the binary."""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """Run the command line and exit with its status."""
    # Importing makes many objects and hardly any garbage: the default threshold of 700 would have
    # the collector visit all of them again and again.
    gc.set_threshold(50_000, 50, 50)
    if getattr(sys, "frozen", False):
        from multiprocessing import freeze_support

        from hogsend.compat.hatchet_child import quiet_child_process
        from hogsend.compat.pyinstaller import follow_parent, remove_abandoned_folders

        quiet_child_process()
        freeze_support()
        follow_parent()
        remove_abandoned_folders()
    from hogsend.cli.main import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    # A child process of `multiprocessing` does not import a main module whose spec is named
    # `….__main__`, as it is under `python -m hogsend`. Without a spec it imports the file, and the
    # branch below runs there.
    __spec__ = None
    main()
elif "multiprocessing.process" in sys.modules:
    from hogsend.compat.hatchet_child import quiet_child_process

    quiet_child_process()
