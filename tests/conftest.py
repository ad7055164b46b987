import pytest


def pytest_sessionstart(session: pytest.Session) -> None:
    """The cast belongs to every test. Its module has models in it, so it is imported once Django stands."""
    session.config.pluginmanager.import_plugin("tests.cast")
