"""The people of the dashboard's own tests."""

from tests.dashboard.conftest import marketer, project, sign_in

__all__ = ["marketer", "project", "sign_in"]
