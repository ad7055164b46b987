"""The frame around pages: menu, cards, reader's zone and language, theme, policy, way back, refusals."""

import pytest
from django import forms
from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse
from django.template import Context, Template
from django.test import RequestFactory
from django.urls import reverse
from django.utils import timezone, translation

from core import ui
from core.access import Can
from core.errors import Refusal
from core.middleware import POLICY, ContentSecurityPolicyMiddleware, ReaderMiddleware, csp, zone_of


@pytest.fixture
def registries(monkeypatch):
    """Registries of their own, so that a test's entries are gone with it."""
    for name in ("_entries", "_cards"):
        monkeypatch.setattr(ui, name, {})


def request_of(path: str = "/", user=None, **headers):
    request = RequestFactory().get(path, **headers)
    request.user = user or AnonymousUser()
    return request


def test_every_registered_menu_entry_has_a_page_and_an_icon():
    from core.components import icon

    for entry in ui._entries.values():
        assert reverse(entry.url_name)
        assert icon(entry.icon)


@pytest.mark.django_db
def test_the_menu_shows_what_the_reader_may_see_and_where_they_are(registries, ada, otto):
    ui.register_menu("manager", "Settings", "Style", "manage:style", "palette", 890, allowed=Can.ADMINISTER)
    ui.register_menu("manager", "", "Mails", "manage:mail_list", "mail", 10)
    ui.register_menu("manager", "Settings", "Gone", "manage:no_such_page", "x", 900)

    sections = ui.menu(request_of("/manage/mails/mai_1/", ada), "manager")
    assert [(s.label, [(i.label, i.current) for i in s.items]) for s in sections] == [
        ("", [("Mails", True)]),
        ("Settings", [("Style", False)]),
    ]
    assert ui.menu(request_of("/manage/", otto), "manager") == []


@pytest.mark.django_db
def test_a_page_within_another_is_one_of_its_tabs_and_stands_in_the_menu_where_the_other_does_not(registries, ada):
    def shown(path: str) -> list:
        [section] = ui.menu(request_of(path, ada), "manager")
        return [(item.label, item.current, [(tab.label, tab.current) for tab in item.tabs]) for item in section.items]

    ui.register_menu("manager", "", "Mails", "manage:mail_list", "mail", 10)
    ui.register_menu("manager", "", "Style", "manage:style", "palette", 20, within="manage:mail_list")
    assert shown("/manage/style/") == [("Mails", True, [("Mails", False), ("Style", True)])]
    assert shown("/manage/mails/") == [("Mails", True, [("Mails", True), ("Style", False)])]
    assert shown("/manage/mails/mai_1/") == [("Mails", True, [])]

    ui.register_menu("manager", "", "Mails", "manage:no_such_page", "mail", 10)
    ui.register_menu("manager", "", "Style", "manage:style", "palette", 20, within="manage:no_such_page")
    assert shown("/manage/style/") == [("Mails", False, []), ("Style", True, [])]


@pytest.mark.django_db
def test_what_stands_under_an_entry_is_shown_while_the_reader_is_there(registries, ada, mara):
    ui.register_menu("manager", "", "Mails", "manage:mail_list", "mail", 10)
    ui.register_menu("manager", "Settings", "Settings", "manage:settings_home", "settings", 20, allowed=Can.ADMINISTER)
    ui.register_menu(
        "manager", "Settings", "Keys", "manage:key_list", "key", 30, within="manage:settings_home", hint="For machines"
    )

    def shown(path, user):
        items = [item for section in ui.menu(request_of(path, user), "manager") for item in section.items]
        return [(item.label, item.current, [(each.label, each.current) for each in item.inside]) for item in items]

    assert shown("/manage/mails/", ada) == [("Mails", True, []), ("Settings", False, [])]
    assert shown("/manage/settings/", ada)[1] == ("Settings", True, [("Keys", False)])
    assert shown(reverse("manage:key_list"), ada)[1] == ("Settings", True, [("Keys", True)])
    assert shown("/manage/mails/", mara)[1] == ("Keys", False, [])  # who may not see Settings finds it all the same
    assert [(i.label, i.hint) for i in ui.menu_within(request_of(user=ada), "manager", "manage:settings_home")] == [
        ("Keys", "For machines")
    ]


@pytest.mark.django_db
def test_account_pages_wear_the_navigation_of_their_reader(registries, ada, otto):
    ui.register_menu("manager", "", "Mails", "manage:mail_list", "mail", 10)

    assert ui.audience_of(request_of(user=ada)) == "manager"
    assert ui.audience_of(request_of(user=otto)) == "public"
    assert ui.audience_of(request_of()) == "public"


def test_cards_come_in_order_and_none_is_no_card(registries):
    ui.register_card(
        "test", "components/empty.html", 20, lambda request, thing: {"title": f"second {thing}", "icon_name": "home"}
    )
    ui.register_card("test", "components/brand.html", 10, lambda request, thing: {"site_name": f"first {thing}"})
    ui.register_card("test", "components/messages.html", 5, lambda request, thing: None)
    request = request_of()
    page = Template('{% cards "test" thing %}').render(Context({"request": request, "thing": "<x>"}))

    assert page.index("first &lt;x&gt;") < page.index("second &lt;x&gt;")


@pytest.mark.django_db
def test_the_reader_has_their_zone_and_language_and_leaves_none_behind(client, ada):
    ada.time_zone, ada.language = "Asia/Jakarta", "de"
    seen = []

    def view(request):
        seen.append((timezone.get_current_timezone_name(), translation.get_language()))
        return HttpResponse()

    request = request_of(user=ada)
    from django.conf import settings

    request.COOKIES[settings.SESSION_COOKIE_NAME] = "x"
    ReaderMiddleware(view)(request)

    assert seen == [("Asia/Jakarta", "en")]  # German has only the words of letters: no page is half in it
    assert timezone.get_current_timezone_name() == "UTC"
    assert translation.get_language() == "en"


def test_a_zone_that_this_machine_does_not_know_is_utc():
    class Reader:
        time_zone = "Atlantis/Capital"

    assert str(zone_of(Reader())) == "UTC"


def policy(view, path="/", app_names=()):
    request = request_of(path)
    request.resolver_match = type("Match", (), {"app_names": list(app_names)})()
    return ContentSecurityPolicyMiddleware(view)(request)["Content-Security-Policy"]


def test_pages_load_their_own_files_alone():
    told = policy(lambda request: HttpResponse())

    assert "default-src 'self'" in told
    assert "frame-ancestors 'none'" in told
    assert "unsafe" not in told
    assert set(POLICY) == {part.split(" ")[0] for part in told.split("; ")}


def test_a_view_and_the_admin_may_load_more():
    assert "script-src 'self' 'unsafe-eval'" in policy(
        csp(script_src=["'self'", "'unsafe-eval'"])(lambda request: HttpResponse())
    )
    assert "style-src 'self';" in policy(csp(script_src=["'self'"])(lambda request: HttpResponse()))
    assert "'unsafe-eval'" in policy(lambda request: HttpResponse(), app_names=["admin"])


@pytest.mark.parametrize(("cookie", "theme"), [("dark", "dark"), ("light", "light"), ("", ""), ('"><script>', "")])
def test_the_theme_is_one_of_two_or_the_systems(cookie, theme):
    request = request_of()
    request.COOKIES["theme"] = cookie

    assert ui.context(request)["theme"] == theme


@pytest.mark.parametrize(
    ("given", "goes"),
    [
        ({"query_params": {"next": "/manage/style/?a=1"}}, "/manage/style/?a=1"),
        ({"query_params": {"next": "https://evil.example/"}}, "/manage/style/"),
        ({"query_params": {"next": "//evil.example/"}}, "/manage/style/"),
        ({"headers": {"Referer": "http://testserver/portal/"}}, "http://testserver/portal/"),
        ({"headers": {"Referer": "http://evil.example/"}}, "/manage/style/"),
        ({}, "/manage/style/"),
    ],
)
def test_the_way_back_stays_in_the_house(given, goes):
    assert ui.redirect_back(request_of("/x/", **given), "manage:style").url == goes


def test_a_refusal_stands_at_the_field_it_names():
    class AmountForm(forms.Form):
        amount = forms.CharField()

    form, other = AmountForm({"amount": "1"}), AmountForm({"amount": "1"})
    with ui.refusals_as_errors(form):
        raise Refusal("Too much.", field="amount")
    with ui.refusals_as_errors(other):
        raise Refusal("Not today.", field="elsewhere")

    assert form.errors == {"amount": ["Too much."]}
    assert other.non_field_errors() == ["Not today."]


@pytest.mark.django_db
def test_the_style_page_is_for_admins(client, ada, otto):
    client.force_login(ada)
    page = client.get(reverse("manage:style"))
    assert page.status_code == 200
    assert b"<h1>Style</h1>" in page.content
    assert b" style=" not in page.content
    assert b"onclick" not in page.content

    client.force_login(otto)
    assert client.get(reverse("manage:style")).status_code == 403


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["account_login", "account_reset_password", "account_signup"])
def test_entrances_wear_our_frame(client, name):
    page = client.get(reverse(name)).content.decode()

    assert page.count("<h1>") == 1
    assert "tributary.css" in page
    assert 'id="content"' in page


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["mfa_index", "account_change_password", "account_email", "usersessions_list", "account_logout"])
def test_account_pages_wear_our_frame(client, ada, name):
    client.force_login(ada)
    page = client.get(reverse(name)).content.decode()

    assert page.count("<h1>") == 1
    assert "tributary.css" in page
    assert "onclick" not in page


@pytest.mark.django_db
def test_an_address_without_a_page_says_what_to_do(client):
    page = client.get("/no/such/page/")

    assert page.status_code == 404
    assert b"There is nothing at this address" in page.content


@pytest.mark.django_db
def test_a_request_for_another_host_is_answered_in_words(client):
    answer = client.get("/", headers={"host": "elsewhere.example"})
    assert answer.status_code == 400
    assert "at another address than its BASE_URL" in answer.content.decode()


def test_an_affiliate_at_the_teams_door_is_told_whose_it_is(as_person, ana):
    for path in ("/manage/", "/admin/core/event/"):
        answer = as_person(ana).get(path, follow=True)
        assert answer.status_code == 403
        assert "It is for the team that runs the program." in answer.content.decode()


def test_the_admin_wears_its_own_interface_and_may_evaluate(client, ada):
    client.force_login(ada)
    page = client.get("/admin/")

    assert b"unfold/" in page.content
    assert "'unsafe-eval'" in page["Content-Security-Policy"]


def test_the_style_page_shows_a_list_that_lives(as_person, ada):
    browser = as_person(ada)
    page = browser.get("/manage/style/").content.decode()
    for part in ('class="tabs"', 'class="filters"', 'class="bulk-bar"', 'class="pages"', "data-confirm", 'id="confirm"'):
        assert part in page
    assert "Only of later ones" not in browser.get("/manage/style/", {"kind": "first"}).content.decode()

    chosen = browser.post("/manage/style/", {"selected": ["1", "2"], "next": "/manage/style/?kind=first"}, follow=True)
    assert "2 rows were chosen. Nothing was done." in chosen.content.decode()
    assert "Choose at least one row first." in browser.post("/manage/style/", follow=True).content.decode()
