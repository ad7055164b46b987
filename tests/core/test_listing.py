"""Lists, on a table that every installation has: Django's groups stand for any rows."""

import io
from decimal import Decimal
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import AnonymousUser, Group
from django.db.models.functions import Length
from django.http import QueryDict
from django.test import RequestFactory
from openpyxl import load_workbook

from core.listing import (
    BulkAction,
    ChoiceFilter,
    Column,
    Empty,
    Listing,
    MoneyColumn,
    MultiChoiceFilter,
    NumberColumn,
    RelatedFilter,
    SelectionChanged,
    TextFilter,
)

pytestmark = pytest.mark.django_db
PAGE = "layouts/print.html"  # any page: the answers below are the list alone, or files


def make_groups(*names: str) -> list[Group]:
    return Group.objects.bulk_create([Group(name=name) for name in names])


def listing(query: str = "", *, post: str | None = None, htmx: bool = False, **changes) -> Listing:
    factory = RequestFactory()
    if post is None:
        request = factory.get(f"/groups/?{query}")
    else:
        request = factory.post("/groups/", data=post, content_type="application/x-www-form-urlencoded")
    request.htmx = SimpleNamespace(target="listing") if htmx else False
    request.user = AnonymousUser()
    declared = {
        "columns": [
            Column("name", "Name", sort=True),
            NumberColumn("size", "Size", value=lambda g: len(g.name), sort=Length("name")),
        ],
        "filters": [
            TextFilter("name", "Name"),
            ChoiceFilter("first", "First letter", field="name__istartswith", choices=[("a", "A"), ("b", "B")]),
            MultiChoiceFilter("any", "Any of", field="name", choices=[("ana", "Ana"), ("bao", "Bao")]),
        ],
        "search": ["name"],
        "default_sort": "name",
        "bulk": [
            BulkAction("Remove", "/groups/remove/", confirm=lambda number: "Remove it?" if number == 1 else "Remove {count}?")
        ],
        "name": "groups",
        **changes,
    }
    return Listing(request, Group.objects.all(), **declared)


def names(shown: Listing) -> list[str]:
    return [row.object.name for row in shown.rows]


def test_rows_come_in_the_default_order_and_sort_by_field_and_expression():
    make_groups("bao", "ana", "citra")

    assert names(listing()) == ["ana", "bao", "citra"]
    assert names(listing("sort=-name")) == ["citra", "bao", "ana"]
    assert names(listing("sort=-size"))[0] == "citra"


def test_a_sort_that_no_column_offers_is_the_default():
    make_groups("bao", "ana")

    assert names(listing("sort=password")) == ["ana", "bao"]
    assert names(listing("sort=--name")) == ["ana", "bao"]


def test_equal_rows_neither_repeat_nor_vanish_over_pages():
    make_groups(*(f"g{n:03}" for n in range(7)))
    first, second = (listing(f"sort=size&page={page}", per_page=4) for page in (1, 2))

    assert sorted(names(first) + names(second)) == [f"g{n:03}" for n in range(7)]


def test_far_pages_hold_what_their_place_says():
    make_groups(*(f"g{n:03}" for n in range(60)))

    assert names(listing("page=29", per_page=2)) == ["g056", "g057"]
    assert names(listing("page=30&sort=-size", per_page=2)) == ["g001", "g000"]
    assert names(listing("page=30&q=g&first=a", per_page=2)) == []


def test_search_wants_every_word():
    make_groups("ana blog", "bao blog", "ana video")

    assert names(listing("q=ana+blog")) == ["ana blog"]


def test_search_without_effect_of_null_bytes_and_patterns():
    make_groups("100% sure", "other")

    assert names(listing("q=100%25")) == ["100% sure"]
    assert names(listing("q=%00other")) == ["other"]


def test_a_search_word_that_no_lookup_is_about_matches_nothing():
    make_groups("ana")

    assert names(listing("q=ana", search=[lambda word: None])) == []


def test_filters_narrow_together():
    make_groups("ana", "adam", "bao")

    assert names(listing("first=a")) == ["adam", "ana"]
    assert names(listing("first=a&name=na")) == ["ana"]
    assert names(listing("any=ana&any=bao")) == ["ana", "bao"]


def test_a_value_that_is_no_choice_narrows_nothing():
    make_groups("ana", "bao")

    assert names(listing("first=zz&any=zz")) == ["ana", "bao"]
    assert not listing("first=zz").narrowed


def test_a_related_filter_takes_what_names_a_row_and_ignores_the_rest():
    ana, bao = make_groups("ana", "bao")
    related = [
        RelatedFilter(
            "group", "Group", rows=Group.objects.all(), param="name", apply=lambda rows, group: rows.filter(pk=group.pk)
        )
    ]

    assert names(listing(f"group={bao.name}", filters=related)) == ["bao"]
    assert names(listing("group=x' or 1=1", filters=related)) == ["ana", "bao"]
    assert names(listing(f"group={ana.pk}", filters=related)) == ["ana", "bao"]
    assert names(listing("group=ana%00", filters=related)) == ["ana"]


def test_the_page_is_clamped_to_what_there_is():
    make_groups(*(f"g{n:03}" for n in range(5)))

    assert listing("page=99", per_page=2).page == 3
    assert listing("page=-1", per_page=2).page == 1
    assert listing("page=²", per_page=2).page == 1
    assert (listing("page=3", per_page=2).first, listing("page=3", per_page=2).last) == (5, 5)


@pytest.mark.parametrize("count", [1, 100])
def test_a_page_runs_two_queries_at_any_length(count, django_assert_num_queries):
    make_groups(*(f"g{n:03}" for n in range(count)))

    with django_assert_num_queries(2):
        listing(htmx=True).response(PAGE).content


def test_htmx_gets_the_list_alone_and_a_clean_address():
    make_groups("ana")
    response = listing("q=an&first=&page=1&sort=name", htmx=True).response(PAGE)

    assert b"<html" not in response.content
    assert b'id="listing"' in response.content
    assert response["HX-Push-Url"] == "/groups/?q=an&sort=name"
    assert "HX-Request" in response["Vary"]


def test_the_sorted_heading_says_so_and_turns_round():
    make_groups("ana")
    heading, size = listing("sort=name").headings

    assert (heading.direction, heading.url) == ("ascending", "/groups/?sort=-name")
    assert (size.direction, size.url) == ("none", "/groups/?sort=-size")


def test_empty_lists_teach_and_unmatched_ones_lead_back():
    nothing = listing(htmx=True, empty=Empty("No groups yet", "Groups gather people.", "/groups/new/", "Add a group"))
    assert b"Add a group" in nothing.response(PAGE).content

    make_groups("ana")
    unmatched = listing("q=zzz", htmx=True).response(PAGE).content.decode()
    assert "Nothing matches" in unmatched
    assert 'href="/groups/"' in unmatched


def test_what_people_named_is_escaped():
    make_groups("<script>alert(1)</script>")

    assert b"<script>alert" not in listing("q=<script>", htmx=True).response(PAGE).content


def test_csv_holds_exactly_what_matches_defused():
    make_groups("=cmd|calc", "ana", "bao")
    response = listing("sort=-name&export=csv&page=2", search=[], per_page=1).response(PAGE)
    lines = b"".join(response.streaming_content).decode("utf-8-sig").splitlines()

    assert lines == ["Name,Size", "bao,3", "ana,3", "'=cmd|calc,9"]
    assert 'filename="groups-' in response["Content-Disposition"]
    matching = listing("first=a&export=csv").response(PAGE)
    assert b"".join(matching.streaming_content).decode("utf-8-sig").splitlines() == ["Name,Size", "ana,3"]


def test_xlsx_keeps_numbers_and_puts_the_currency_beside_money():
    make_groups("ana", "@sum")
    columns = [
        Column("name", "Name"),
        MoneyColumn("amount", "Amount", value=lambda g: Decimal("-12.50"), currency=lambda g: "EUR"),
    ]
    response = listing("export=xlsx", columns=columns).response(PAGE)
    sheet = load_workbook(io.BytesIO(b"".join(response.streaming_content))).active

    assert [[cell.value for cell in row] for row in sheet.rows] == [
        ["Name", "Amount", "Amount (currency)"],
        ["'@sum", -12.5, "EUR"],
        ["ana", -12.5, "EUR"],
    ]


def test_checked_rows_are_selected_and_only_those_of_the_list():
    ana, bao = make_groups("ana", "bao")

    chosen = listing(post=f"selected={ana.pk}&selected=999999&selected=x").selected()
    assert list(chosen) == [ana]
    other = listing(post=f"selected={ana.pk}")
    other.queryset = Group.objects.exclude(pk=ana.pk)
    assert list(other.selected()) == []


def test_all_matching_is_what_the_address_of_the_form_matched():
    make_groups("ana", "adam", "bao")
    shown = listing("first=a&sort=-name&page=2", per_page=1)
    assert QueryDict(shown.query).dict() == {"first": "a", "sort": "-name"}

    chosen = listing(post="all_matching=1&matching_count=2&matching=first%3Da").selected()
    assert sorted(group.name for group in chosen) == ["adam", "ana"]


def test_all_matching_is_refused_once_the_number_has_changed():
    make_groups("ana", "adam")

    with pytest.raises(SelectionChanged, match="1 matched; now 2 do"):
        listing(post="all_matching=1&matching_count=1&matching=").selected()


def test_choosing_nothing_is_refused():
    make_groups("ana")

    with pytest.raises(SelectionChanged, match="at least one row"):
        listing(post="matching=").selected()


def test_the_filter_form_carries_sort_and_links_but_not_the_page():
    make_groups("ana", "adam", "bao")
    shown = listing("first=a&sort=-name&q=a&page=2&any=ana", per_page=1)

    assert shown.hidden_params == [("first", "a"), ("sort", "-name")]


def test_pages_far_apart_have_a_gap_between_their_links():
    make_groups(*(f"g{n:03}" for n in range(20)))
    shown = listing("page=10", per_page=1)

    assert [number for number, _ in shown.page_links] == [1, None, 8, 9, 10, 11, 12, None, 20]
    assert shown.page_links[0][1] == "/groups/"


def test_only_what_can_apply_under_the_chosen_tab_is_offered():
    make_groups("ana")
    bulk = [BulkAction("Remove", "/r/", states=["a"]), BulkAction("Keep", "/k/", states=[]), BulkAction("Mark", "/m/")]

    def offered(query):
        return [action.label for action in listing(query, bulk=bulk, tabs="first").bulk]

    assert offered("") == ["Remove", "Keep", "Mark"]
    assert offered("first=a") == ["Remove", "Mark"]
    assert offered("first=b") == ["Mark"]
    assert offered("first=zzz") == ["Remove", "Keep", "Mark"]


def test_a_tab_under_which_nothing_can_be_done_has_no_checkboxes():
    make_groups("ana")
    shown = listing("first=a", htmx=True, bulk=[BulkAction("Remove", "/r/", states=["b"])], tabs="first").response(PAGE)
    assert b'class="pick"' not in shown.content
