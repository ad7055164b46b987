"""Views that people save of their lists."""

import pytest
from django.db import IntegrityError, transaction

from core.models import SavedView
from tests.factories import make_commission, make_conversion
from tests.pages import assert_same_queries, text_of

LIST = "/manage/commissions/"


@pytest.fixture
def browser(as_person, mara):
    return as_person(mara)


def save(browser, query: str, name: str = "Mine", path: str = LIST):
    return browser.post("/views/", {"path": path, "query": query, "name": name, "next": path}, follow=True)


def test_a_saved_view_stands_above_its_list_and_asks_for_the_same(browser, music, ana, bao):
    make_commission(make_conversion(music, ana, external_id="order-of-ana"))
    make_commission(make_conversion(music, bao, external_id="order-of-bao"))

    answer = save(browser, f"affiliate={ana.public_id}&state=pending&sort=-amount", "Ana, largest first")

    assert answer.redirect_chain[-1][0] == f"{LIST}?affiliate={ana.public_id}&state=pending&sort=-amount"
    assert "order-of-ana" in text_of(answer) and "order-of-bao" not in text_of(answer)
    assert "Ana, largest first" in text_of(browser.get(LIST))


def test_the_place_in_the_list_is_not_saved(browser):
    save(browser, "state=pending&page=3&export=csv&q=")

    assert SavedView.objects.get().query == "state=pending"


def test_the_view_that_is_shown_is_marked_in_whatever_order_its_address_comes(browser):
    save(browser, "state=pending&sort=-amount")

    assert 'aria-current="page"' in view_link(browser.get(f"{LIST}?sort=-amount&state=pending&page=2"))
    assert "aria-current" not in view_link(browser.get(f"{LIST}?sort=-amount"))


def view_link(answer) -> str:
    views = answer.content.decode().partition('class="views"')[2]
    return views[views.index("<a ") : views.index("</a>")]


def test_the_same_name_again_is_the_same_view_with_the_new_question(browser):
    save(browser, "state=pending")
    save(browser, "state=paid")

    assert [view.query for view in SavedView.objects.all()] == ["state=paid"]


def test_a_view_belongs_to_its_list_and_its_owner(browser, as_person, felix):
    save(browser, "state=pending", "Only mine")

    assert "Only mine" not in text_of(browser.get("/manage/conversions/"))
    assert "Only mine" not in text_of(as_person(felix).get(LIST))
    view = SavedView.objects.get()
    for what in ("rename", "delete"):
        assert as_person(felix).post(f"/views/{view.public_id}/{what}/", {"name": "x"}).status_code == 404
    view.refresh_from_db()
    assert view.name == "Only mine"


def test_a_colleague_sees_the_same_by_the_address(browser, as_person, felix, music, ana, bao):
    make_commission(make_conversion(music, ana, external_id="order-of-ana"))
    make_commission(make_conversion(music, bao, external_id="order-of-bao"))
    address = save(browser, f"affiliate={ana.public_id}").redirect_chain[-1][0]

    seen = text_of(as_person(felix).get(address))

    assert "order-of-ana" in seen and "order-of-bao" not in seen


def test_a_view_is_renamed_and_deleted(browser):
    save(browser, "state=pending", "Old")
    view = SavedView.objects.get()

    answer = browser.post(f"/views/{view.public_id}/rename/", {"name": " New  name ", "next": LIST}, follow=True)
    assert "The view is called “New name” now." in text_of(answer)

    answer = browser.post(f"/views/{view.public_id}/delete/", {"next": LIST}, follow=True)
    assert "The view “New name” is deleted." in text_of(answer)
    assert not SavedView.objects.exists()


def test_a_name_that_another_view_has_is_refused(browser):
    save(browser, "state=pending", "One")
    save(browser, "state=paid", "Two")
    two = SavedView.objects.get(name="Two")

    answer = browser.post(f"/views/{two.public_id}/rename/", {"name": "One", "next": LIST}, follow=True)

    assert "Another view of this list is called “One”." in text_of(answer)
    assert {view.name for view in SavedView.objects.all()} == {"One", "Two"}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"query": "page=4"}, "There is nothing to save yet"),
        ({"name": "  "}, "Give the view a name"),
        ({"name": "x" * 61}, "Give the view a name"),
        ({"query": "q=" + "x" * 2001}, "more filters than an address can carry"),
        ({"path": "/no/such/list/"}, "Views are saved of lists alone"),
        ({"path": "https://elsewhere.example/"}, "Views are saved of lists alone"),
    ],
)
def test_what_cannot_be_saved_is_told_and_not_saved(browser, changed, told):
    asked = {"path": LIST, "query": "state=pending", "name": "Mine", "next": LIST, **changed}

    answer = browser.post("/views/", asked, follow=True)

    assert told in text_of(answer)
    assert not SavedView.objects.exists()


def test_a_list_keeps_no_more_views_than_can_be_looked_over(browser, mara):
    page = "manage:commission_list"
    SavedView.objects.bulk_create(SavedView(owner=mara, page=page, name=f"{n}", query="q=x") for n in range(20))

    assert "at most 20 views" in text_of(save(browser, "state=pending", "One more"))
    assert "Saved as “7”." in text_of(save(browser, "state=pending", "7"))


def test_an_affiliates_lists_have_views_as_well(as_person, ana):
    browser = as_person(ana)

    answer = save(browser, "status=paused", "Resting links", "/portal/links/")

    assert answer.redirect_chain[-1][0] == "/portal/links/?status=paused"
    assert "Resting links" in text_of(browser.get("/portal/links/"))


def test_views_cost_one_query_however_many_there_are(browser, mara):
    def add() -> None:
        SavedView.objects.bulk_create(
            SavedView(owner=mara, page="manage:commission_list", name=f"View {n}", query="state=paid") for n in range(20)
        )

    assert_same_queries(browser, LIST, add)


def test_the_database_holds_one_view_of_a_name(mara):
    view = {"owner": mara, "page": "manage:commission_list", "name": "Mine", "query": "q=x"}
    SavedView.objects.create(**view)

    with pytest.raises(IntegrityError, match="saved_view_once"), transaction.atomic():
        SavedView.objects.create(**view)
    with pytest.raises(IntegrityError, match="saved_view_asks_something"), transaction.atomic():
        SavedView.objects.create(**{**view, "name": "Empty", "query": ""})
