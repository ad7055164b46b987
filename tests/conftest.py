import pytest
from hypothesis import HealthCheck, settings

# Nothing is a failure for the time it takes: a busy machine would fail what is right.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


def pytest_sessionstart(session: pytest.Session) -> None:
    """The cast belongs to every test. Its module has models in it, so it is imported once Django stands."""
    session.config.pluginmanager.import_plugin("tests.cast")


@pytest.fixture
def undone():
    """A context whose changes to the database are taken back when it ends: for each example of a property."""
    from contextlib import contextmanager

    from django.db import transaction

    @contextmanager
    def context():
        with transaction.atomic():
            yield
            transaction.set_rollback(True)

    return context
