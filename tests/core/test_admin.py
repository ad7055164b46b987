import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.services import create_key
from affiliates.models import Function
from affiliates.services import invite_member
from core.admin import EditableNotes
from core.mail import write_mail
from core.models import Event
from tests.factories import (
    event_names,
    make_commission,
    make_conversion,
    make_coupon,
    make_link,
    make_payout,
    make_payout_method,
    make_refund,
    make_reversal,
)
from tests.pages import text_of
from tests.test_page_queries import add_a_row_of_everything


@pytest.fixture
def world(ada, mara, ana, music, music_offer):
    """A row of nearly every kind."""
    make_link(ana, music_offer)
    make_coupon(ana, music)
    conversion = make_conversion(music, ana)
    make_reversal(make_commission(conversion), make_refund(conversion))
    make_payout(affiliate=ana)
    make_payout_method(ana, currency="EUR")
    invite_member(ana, "fay@tributary.example", [Function.MARKETING], by=ada)
    create_key(mara, name="Shop", role="manager", program=music, by=ada)


@pytest.mark.parametrize("model", list(admin.site._registry), ids=lambda model: model.__name__)
def test_every_table_can_be_read_and_nothing_added_or_deleted(as_person, ada, world, model):
    browser = as_person(ada)
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    assert browser.get(reverse(f"{name}_changelist"), {"q": "a"}).status_code == 200
    assert browser.get(reverse(f"{name}_changelist")).status_code == 200
    assert browser.get(reverse(f"{name}_add")).status_code == 403
    row = model._default_manager.first()
    if row is not None:
        assert browser.get(reverse(f"{name}_change", args=[row.pk])).status_code == 200
        assert browser.get(reverse(f"{name}_history", args=[row.pk])).status_code == 200
        assert browser.post(reverse(f"{name}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
        delete = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
        browser.post(reverse(f"{name}_changelist"), delete)
        assert model._default_manager.filter(pk=row.pk).exists()


@pytest.mark.parametrize("page", admin.site._registry.values(), ids=lambda page: page.model.__name__)
def test_every_list_is_searched_and_filtered(page):
    assert page.search_fields
    assert page.list_filter


READ = [model for model, page in admin.site._registry.items() if not isinstance(page, EditableNotes)]


@pytest.mark.parametrize("model", READ, ids=lambda model: model.__name__)
def test_no_row_takes_a_change(as_person, ada, world, model):
    row = model._default_manager.first()
    if row is not None:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}_change"
        assert as_person(ada).post(reverse(name, args=[row.pk]), {"amount": "1000000"}).status_code == 403


def test_what_stands_beside_a_note_takes_no_change(as_person, ada, ana, world):
    def beside():
        return [list(ana.enrollments.order_by("pk").values()), list(ana.members.order_by("pk").values())]

    before, enrollment, member = beside(), ana.enrollments.first(), ana.members.first()
    rows = {"enrollments": (enrollment.pk, {"status": "rejected"}), "members": (member.pk, {"functions": "marketing"})}
    posted = {"note": "Likes mornings."}
    for prefix, (pk, values) in rows.items():
        posted |= {f"{prefix}-TOTAL_FORMS": "2", f"{prefix}-INITIAL_FORMS": "1", f"{prefix}-0-id": str(pk)}
        posted |= {f"{prefix}-0-affiliate": str(ana.pk), f"{prefix}-0-DELETE": "on"}
        posted |= {f"{prefix}-{number}-{name}": value for name, value in values.items() for number in (0, 1)}

    as_person(ada).post(reverse("admin:affiliates_affiliate_change", args=[ana.pk]), posted)

    ana.refresh_from_db()
    assert (ana.note, beside()) == ("Likes mornings.", before)


def test_a_list_says_where_it_stopped_counting(as_person, ada, ana, bao, monkeypatch):
    monkeypatch.setattr("core.admin.COUNTED", 2)
    page = text_of(as_person(ada).get(reverse("admin:affiliates_affiliate_changelist")))
    assert "2+ affiliates" in page
    assert "Show all" not in page
    assert "Times in " in page


def test_a_list_runs_as_many_queries_with_one_row_of_everything_as_with_ten(as_person, ada, ana, music):
    browser = as_person(ada)
    lists = [reverse(f"admin:{m._meta.app_label}_{m._meta.model_name}_changelist") for m in admin.site._registry]

    def counts() -> dict[str, int]:
        found = {}
        for path in lists:
            with CaptureQueriesContext(connection) as queries:
                assert browser.get(path).status_code == 200
            found[path] = len(queries)
        return found

    add_a_row_of_everything(music, ana, 0)
    counts()  # what is read once is read by now
    few = counts()
    for number in range(1, 10):
        add_a_row_of_everything(music, ana, number)

    assert {path: (few[path], many) for path, many in counts().items() if many > few[path]} == {}


def test_secrets_are_not_shown(as_person, ada, world):
    browser = as_person(ada)
    for name, field in (("accounts_apikey", "hash"), ("affiliates_invitation", "token_hash"), ("accounts_user", "password")):
        model = next(m for m in admin.site._registry if m._meta.label_lower.replace(".", "_") == name)
        row = model._default_manager.first()
        assert getattr(row, field) not in browser.get(reverse(f"admin:{name}_change", args=[row.pk])).content.decode()


def test_a_note_is_saved_by_the_service_and_recorded(as_person, ada, ana):
    path = reverse("admin:affiliates_affiliate_change", args=[ana.pk])
    inlines = {f"{p}-{k}": "0" for p in ("enrollments", "members") for k in ("TOTAL_FORMS", "INITIAL_FORMS")}

    answer = as_person(ada).post(path, {"note": "Likes mornings.", "name": "Somebody else", **inlines})

    assert answer.status_code == 302
    ana.refresh_from_db()
    assert (ana.note, ana.name) == ("Likes mornings.", "Ana")
    assert event_names(ana) == ["affiliate.updated"]
    assert Event.objects.get().by == ada


def test_history_tells_what_changed_from_what_to_what(as_person, ada, music):
    music.hold_days = 45
    music.save()
    page = as_person(ada).get(reverse("admin:programs_program_history", args=[music.pk])).content.decode()
    assert "hold_days: 30 → 45" in page


def test_only_admins_come_in_and_through_the_one_sign_in(client, as_person, hana, mara, ana, otto):
    assert client.get("/admin/core/event/", follow=True).redirect_chain[-1][0] == "/accounts/login/?next=/admin/core/event/"
    for person in (hana, mara, otto, ana):
        assert as_person(person).get("/admin/", follow=True).status_code == 403


def test_a_signed_in_admin_is_sent_on_to_what_they_asked_for(as_person, ada):
    assert as_person(ada).get("/admin/login/?next=/admin/core/event/").url == "/admin/core/event/"
    assert as_person(ada).get("/admin/login/?next=https://elsewhere.example/").url == "/admin/"


def test_mails_are_listed_without_their_text(as_person, ada):
    mail = write_mail("ada@tributary.example", "accounts/mails/appointment", {"role": "Admin", "by": ada, "path": "/secret"})
    assert "/secret" not in as_person(ada).get(reverse("admin:core_mail_change", args=[mail.pk])).content.decode()
