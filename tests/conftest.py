"""Fixtures that all tests may use live in tests/support."""

pytest_plugins = ["support.sshd"]
