"""A service for the tests of what goes through one."""

from tests.server.conftest import model, service  # noqa: F401
