"""Each module of `hogsend.compat` names the versions that it is made for."""

from __future__ import annotations

import pkgutil
import platform
import tomllib
from importlib import import_module, metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import hogsend.compat

TOP = Path(__file__).parents[2]
PROJECT = tomllib.loads((TOP / "pyproject.toml").read_text())
DECLARED = [*PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"]["build"]]
MODULES = {
    name: import_module(f"hogsend.compat.{name}").REQUIREMENT
    for _, name, _ in pkgutil.iter_modules(hogsend.compat.__path__)
}
# The others are about the standard library.
OF_LIBRARIES = {name: text for name, text in MODULES.items() if text != "python>=3.11"}


def test_the_standard_library_is_that_of_every_supported_python():
    assert PROJECT["project"]["requires-python"] == ">=3.11"


@pytest.mark.parametrize("module", OF_LIBRARIES)
def test_a_compat_module_requires_what_the_project_requires(module: str):
    assert MODULES[module] in DECLARED


@pytest.mark.parametrize("module", OF_LIBRARIES)
def test_a_compat_module_allows_no_version_that_may_break_it(module: str):
    operators = {specifier.operator for specifier in Requirement(MODULES[module]).specifier}
    assert "<" in operators, "an upper limit keeps an untested release out"


@pytest.mark.parametrize("module", MODULES)
def test_the_installed_version_is_in_the_range(module: str):
    requirement = Requirement(MODULES[module])
    if requirement.name == "python":
        installed = platform.python_version()
    elif requirement.name == "pyinstaller":
        # The tests do without it; the version that builds the binary is locked.
        installed = locked_version("build", requirement.name)
    else:
        installed = metadata.version(requirement.name)
    assert requirement.specifier.contains(installed)


def locked_version(lock: str, name: str) -> str:
    lines = (TOP / "requirements" / f"{lock}.lock").read_text().splitlines()
    pin = next(line for line in lines if line.startswith(f"{name}=="))
    return pin.split("==")[1].split()[0]
