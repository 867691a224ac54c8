"""The browser in which reports are looked at."""

from tests.web.conftest import browser

__all__ = ["browser"]
