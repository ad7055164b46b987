"""One Chromium for all tests of this folder, and pages that fail a test when a script fails or a load is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, Page, expect, sync_playwright

from config.runtime.checks import chromium
from tests.browser.stage import REPLACED_IS_NO_ERROR

# A container has no user namespaces for Chromium's sandbox, no graphics card, and nobody to call.
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update"]

PATIENCE = 30_000  # milliseconds, on a machine that is busy with other tests: what is there is seen at once all the same
expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright keeps an event loop in this thread
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser, live_server) -> Iterator[Callable[..., Page]]:
    """`open_page(person, **options of the context)`: a page in which that person, or nobody, is signed in."""
    complaints: list[str] = []
    contexts = []
    address = live_server.url.replace("127.0.0.1", "localhost")

    def opened(person: Any = None, **options: Any) -> Page:
        context = browser.new_context(base_url=address, reduced_motion="reduce", **options)
        contexts.append(context)
        context.add_init_script(REPLACED_IS_NO_ERROR)
        context.set_default_timeout(PATIENCE)
        if person is not None:
            client = Client()
            client.force_login(person)
            name = settings.SESSION_COOKIE_NAME
            context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": address}])
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []
