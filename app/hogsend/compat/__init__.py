"""The private interfaces of libraries that Hogsend uses, one module for each library.

A module says what it needs the private interface for, and declares in `REQUIREMENT` the versions
that have it, as `pyproject.toml` does. `tests/compat/` has a test for each module that fails first
when an upgrade changes what the module relies on. Nothing outside this package touches a private
interface; a guard test checks that.
"""
