"""The entry point of `hogsend`, `python -m hogsend` and the binary."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and leave with its exit status."""
    if getattr(sys, "frozen", False):
        from multiprocessing import freeze_support

        from hogsend.compat.hatchet_child import be_quiet_if_spawned
        from hogsend.compat.pyinstaller import follow_parent, sweep_unpacked

        be_quiet_if_spawned()
        freeze_support()
        follow_parent()
        sweep_unpacked()
    from hogsend.cli.main import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    # Without it `python -m hogsend` is not imported again in a process that it spawns, which then
    # says too much (`multiprocessing.spawn` leaves modules of this name out).
    __spec__ = None
    main()
elif "multiprocessing.process" in sys.modules:
    from hogsend.compat.hatchet_child import be_quiet_if_spawned

    be_quiet_if_spawned()
