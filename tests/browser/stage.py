"""People with browsers of their own. Each new page that they come to is looked over once: light, dark and on a phone."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect

from config.env import CHECKOUT
from tests.factories import PASSWORD

AXE = CHECKOUT / "node_modules/axe-core/axe.min.js"
WCAG = "['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']"
OF_LOOKS = "['color-contrast', 'target-size']"  # the rules whose answer depends on scheme and width
DESK: ViewportSize = {"width": 1440, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
ONES_OWN = re.compile(r"/([a-z]{3}_\w+|invitations/\S+|key/\S+|\d+)(?=/|$)")

# Where a newer request replaces one (hx-sync), htmx aborts that one within its event htmx:abort, and tells of it as of an error.
# A request that its page leaves behind says nothing, and one that fails is told outside of that event: both stay as they are.
REPLACED_IS_NO_ERROR = """(() => {
  const tell = console.error;
  let replacing = false;
  addEventListener("htmx:abort", () => { replacing = true; }, true);
  addEventListener("htmx:abort", () => { replacing = false; });
  console.error = (...words) => {
    if (!(replacing && /^htmx:(afterRequest|sendAbort)\\b/.test(words[0]))) tell(...words);
  };
})();"""


class Stage:
    """One browser; `complaints` is what any page said against itself, which the test expects to be nothing."""

    def __init__(self, browser: Browser, base_url: str) -> None:
        self.browser, self.base_url = browser, base_url
        self.complaints: list[str] = []
        self.seen: set[str] = set()

    def person(self, email: str, password: str) -> Person:
        context = self.browser.new_context(base_url=self.base_url, viewport=DESK, reduced_motion="reduce")
        context.add_init_script(REPLACED_IS_NO_ERROR)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        context.set_default_timeout(15_000)
        return Person(self, context.new_page(), email, password)


class Person:
    """Somebody in front of a browser, who reads labels and presses buttons."""

    def __init__(self, stage: Stage, page: Page, email: str, password: str) -> None:
        self.stage, self.page, self.email, self.password = stage, page, email, password
        page.on("console", lambda message: self._complain(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self._complain(str(error)))

    def _complain(self, text: str) -> None:
        self.stage.complaints.append(f"{self.page.url}: {text}")

    # What is on the page

    @property
    def heading(self) -> Locator:
        return self.page.get_by_role("heading", level=1)

    @property
    def main(self) -> Locator:
        return self.page.get_by_role("main")

    def sees(self, *texts: str) -> None:
        for text in texts:
            expect(self.main).to_contain_text(text)

    def row(self, text: str) -> Locator:
        """The table's row that holds this text."""
        return self.page.get_by_role("row").filter(has_text=text)

    # What one does

    def open(self, path: str) -> None:
        self.page.goto(path)
        self.look()

    def follow(self, name: str, within: Locator | None = None) -> None:
        """Press a link, whose name is this or whose heading is, and look at the page behind it."""
        place = within or self.page
        self._go(place.get_by_role("link", name=name, exact=True).or_(place.locator("a:has(strong)", has_text=name)).first)

    def enter(self, row: str) -> None:
        """Open the first row that holds this text."""
        self._go(self.row(row).first.get_by_role("link").first)

    def _go(self, link: Locator) -> None:
        before = self.page.url
        link.click()
        self.page.wait_for_url(lambda url: url != before)
        self.look()

    def write(self, label: str, value: str) -> None:
        """Fill the field whose label begins so; “optional” may follow."""
        self._field(label).fill(value)

    def choose(self, label: str, option: str) -> None:
        self._field(label).select_option(label=option)

    def _field(self, label: str) -> Locator:
        return self.main.get_by_label(re.compile(f"^{re.escape(label)}"))

    def unfold(self, name: str) -> Locator:
        """Open what stands behind a small button; its panel."""
        summary = self.main.locator("summary").filter(has_text=re.compile(rf"^\s*{re.escape(name)}")).first
        summary.click()
        return summary.locator("xpath=..")

    def press(self, name: str, within: Locator | None = None, sure: bool = False) -> None:
        """Press a button, say yes to what it asks where `sure`, and look at what comes."""
        button = (within or self.main).get_by_role("button", name=name, exact=True).first
        with self.page.expect_navigation():
            button.click()
            if sure:
                self.page.get_by_role("dialog").get_by_role("button", name=name, exact=True).click()
        self.look()

    def sign_in(self) -> None:
        self.write("E-mail", self.email)
        self.write("Password", self.password)
        self.press("Sign in")

    def look(self) -> None:
        """One h1; and, the first time that anybody is here, `look_over`."""
        self.page.wait_for_load_state("load")
        expect(self.heading).to_have_count(1)
        place = ONES_OWN.sub("/…", urlsplit(self.page.url).path)
        if place in self.stage.seen:
            return
        self.stage.seen.add(place)
        for complaint in look_over(self.page):
            self._complain(complaint)


def sign_in(page: Page, email: str, then: str) -> None:
    """By the form, as people do."""
    page.goto(f"/accounts/login/?next={then}")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def look_over(page: Page) -> list[str]:
    """What is wrong with the page as it stands, on a phone in the dark and at a desk in the light. What stands open stays open."""
    page.set_viewport_size(PHONE)
    page.emulate_media(color_scheme="dark")
    found = ["wider than a phone"] if too_wide(page) else []
    found += [f"beside the phone: {each}" for each in off_screen(page)]
    found += [f"dark: {name}: {html}" for name, html in axe_finds(page, OF_LOOKS)]
    page.set_viewport_size(DESK)
    page.emulate_media(color_scheme="light")
    found += [f"beside the screen: {each}" for each in off_screen(page)]
    return found + [f"{name}: {html}" for name, html in axe_finds(page)]


def axe_finds(page: Page, rules: str = WCAG) -> list[tuple[str, str]]:
    """What axe has against the page as it stands: rule, and the first place. Not by a script tag: the policy refuses those."""
    if page.evaluate("typeof axe === 'undefined'"):
        page.evaluate(AXE.read_text())
    found = page.evaluate(f"axe.run(document, {{runOnly: {rules}, resultTypes: ['violations']}})")
    return [(each["id"], each["nodes"][0]["html"]) for each in found["violations"]]


def comes_true(page: Page, expression: str, within: int = 3000) -> bool:
    """Whether the script's expression is true within so many milliseconds. Playwright's own waiting evaluates texts in the page, which
    the policy refuses."""
    return page.evaluate(
        f"""async (within) => {{
            const until = performance.now() + within;
            while (!({expression})) {{
                if (performance.now() > until) return false;
                await new Promise((next) => setTimeout(next, 20));
            }}
            return true;
        }}""",
        within,
    )


def too_wide(page: Page) -> bool:
    """Whether something stands beside the screen, once charts have taken the page's new width."""
    return not comes_true(page, "document.documentElement.scrollWidth <= innerWidth")


def off_screen(page: Page) -> list[str]:
    """What opens beside the screen, by the words that open it."""
    return page.evaluate(
        """() => [...document.querySelectorAll("main details.pop")].filter((each) => {
            const was = each.open;
            each.open = true;
            const panel = each.querySelector(".pop-panel").getBoundingClientRect();
            each.open = was;
            return panel.width && (panel.left < 0 || panel.right > innerWidth);
        }).map((each) => each.querySelector("summary").innerText)"""
    )
