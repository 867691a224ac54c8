"""A service for the client's tests."""

from tests.server.conftest import model, service  # noqa: F401
