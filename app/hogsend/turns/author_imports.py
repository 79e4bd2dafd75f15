"""What authors' files can import: the packages in `_packages`, and what to do about the rest."""

from __future__ import annotations

import difflib
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Final

# The folder for packages, in the journeys' folder: pip install --target journeys/_packages NAME
PACKAGES: Final = "_packages"
# The name by which authors' files import each other.
PACKAGE: Final = "journeys"
# What every server has, whether it runs from a checkout, a wheel or the binary.
ALWAYS_THERE: Final = frozenset({"hogsend", "httpx", PACKAGE})

# The entries of `sys.path` that `use_packages` has added.
_added: list[str] = []


def use_packages(folder: Path) -> None:
    """Make the packages of a journeys' folder importable, in place of those of an earlier folder.

    They come after everything that is installed, so that none of them replaces a library of the
    server.

    Args:
        folder: the author's folder, as an absolute path.
    """
    path = str(folder / PACKAGES)
    for entry in [entry for entry in _added if entry != path]:
        _added.remove(entry)
        if entry in sys.path:
            sys.path.remove(entry)
    if path not in sys.path and Path(path).is_dir():
        sys.path.append(path)
        _added.append(path)


def find_spec(name: str) -> ModuleSpec | None:
    """Return the spec of a module without importing anything; None when there is no such module.

    Args:
        name: the full name. When nothing is certain about a submodule, because its package creates
            submodules itself, the spec is that of the package.
    """
    spec: ModuleSpec | None = None
    path: list[str] | None = None
    parts = name.split(".")
    for number in range(1, len(parts) + 1):
        full_name = ".".join(parts[:number])
        loaded = sys.modules.get(full_name)
        parent, spec = spec, getattr(loaded, "__spec__", None) or _ask_finders(full_name, path)
        if spec is None and loaded is None:
            is_uncertain = parent is not None and path is None and not _is_standard(parts[0])
            return parent if is_uncertain else None
        spec = spec or ModuleSpec(full_name, None)
        locations = getattr(loaded, "__path__", None) or spec.submodule_search_locations
        path = None if locations is None else list(locations)
    return spec


def _ask_finders(name: str, path: list[str] | None) -> ModuleSpec | None:
    if "." in name and path is None:
        return None
    for finder in sys.meta_path:
        spec = finder.find_spec(name, path)
        if spec is not None:
            return spec
    return None


def _is_standard(name: str) -> bool:
    return name in sys.stdlib_module_names


def is_only_here(name: str, folder: Path) -> bool:
    """Return whether a module that exists is from this Python's own packages.

    Args:
        name: the name of the module, without what follows the first dot.
        folder: the author's folder.
    """
    packages = folder / PACKAGES
    is_beside = (packages / name).is_dir() or any(packages.glob(f"{name}.*"))
    return not (is_beside or name in ALWAYS_THERE or _is_standard(name))


# -- what to do about a failed import -----------------------------------------------------------


def explain_import_error(error: BaseException) -> str:
    """Return what to do about an error of an import in an author's file; empty for other errors."""
    if not isinstance(error, ImportError) or not error.name:
        return ""
    folder = find_folder()
    if folder is None:
        return ""
    if isinstance(error, ModuleNotFoundError):
        return find_remedy(error.name, folder)
    # Python 3.12 and later say which name the module lacks.
    wanted = getattr(error, "name_from", None)
    names = vars(sys.modules[error.name]) if error.name in sys.modules else {}
    close = difflib.get_close_matches(wanted, names, n=1) if isinstance(wanted, str) else []
    return f"Did you mean {close[0]}?" if close else ""


def find_folder() -> Path | None:
    """Return the folder of the authors' files that are loaded now."""
    paths = list(getattr(sys.modules.get(PACKAGE), "__path__", ()))
    return Path(paths[0]) if paths else None


def find_remedy(name: str, folder: Path) -> str:
    """Return what to do about a module that does not exist.

    Args:
        name: the full name of the module.
        folder: the author's folder.
    """
    top = name.partition(".")[0]
    if top == PACKAGE:
        return f"Authors' files are in {folder.name}/: correct the name, or write the file."
    if (folder / f"{top}.py").is_file():
        return f"It is beside this file: write `from . import {top}` or `from .{top} import …`."
    if top != name and find_spec(top) is not None:
        return (
            f"`{top}` is there, but has no such part: correct the name, or install another version."
        )
    install = (
        f"Run `pip install --target {folder.name}/{PACKAGES} {top}` (the package may have another "
        "name than the module), or correct the name."
    )
    names = [*sys.stdlib_module_names, *ALWAYS_THERE]
    similar = [known for known in names if known != top and abs(len(known) - len(top)) <= 1]
    close = difflib.get_close_matches(top, similar, n=1, cutoff=0.75)
    return f"Did you mean `{close[0]}`? Otherwise: {install}" if close else install
