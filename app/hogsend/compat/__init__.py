"""The private interfaces of libraries that Hogsend uses, one module for each library.

The docstring of a module gives the reason for using the private interface. `REQUIREMENT` declares
the versions that have the interface, as in `pyproject.toml`. `tests/compat/` has a test for each
module, which fails when an upgrade changes the interface. A guard test checks that no code outside
this package uses a private interface.
"""
