"""Commissions, rules, payout methods, batches, balances and performance over the API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from commissions.models import RuleVersion
from core.secrets import encrypt
from payouts.models import PayoutBatch
from payouts.services import method_details
from tests.api.client import errors
from tests.factories import (
    make_affiliate,
    make_batch,
    make_click,
    make_commission,
    make_conversion,
    make_enrollment,
    make_link,
    make_payout,
    make_payout_method,
    make_reversal,
)

pytestmark = pytest.mark.django_db

RULE = {"program": "music", "name": "Ten", "event": "sale", "type": "percentage", "value": "10"}


def test_commissions_are_approved_all_or_none(mara_api, music, ana):
    one, two = (make_commission(make_conversion(music, ana)).public_id for _ in range(2))
    unknown = mara_api.post("commissions/approve", {"ids": [one, "com_nothing", "x"]})
    assert unknown.status_code == 400
    assert errors(unknown) == [("ids[1]", "not_found"), ("ids[2]", "not_found")]
    assert "com_nothing" in unknown.json()["errors"][0]["message"]

    assert mara_api.post("commissions/approve", {"ids": [one, one]}).json() == {"approved": 1}
    again = mara_api.post("commissions/approve", {"ids": [one, two]})
    assert (again.status_code, errors(again)) == (409, [(None, "decided")])
    assert [row["id"] for row in mara_api.get("commissions", status="pending").json()["results"]] == [two]


def test_a_rejection_takes_a_reason(mara_api, music, ana):
    commission = make_commission(make_conversion(music, ana))
    assert errors(mara_api.post("commissions/reject", {"ids": [commission.public_id]})) == [("reason_code", "required")]
    assert errors(mara_api.post("commissions/reject", {"ids": [commission.public_id], "reason_code": "mood"})) == [
        ("reason_code", "choice")
    ]

    body = {"ids": [commission.public_id], "reason_code": "test_order", "note": "Mine"}
    assert mara_api.post("commissions/reject", body).json() == {"rejected": 1}
    shown = mara_api.get(f"commissions/{commission.public_id}").json()
    assert (shown["status"], shown["reason"], shown["note"]) == ("rejected", "test_order", "Mine")


def test_commissions_of_other_programs_look_absent(mara_api, books):
    theirs = make_commission(make_conversion(books))

    assert mara_api.get(f"commissions/{theirs.public_id}").status_code == 404
    assert mara_api.get("commissions").json()["results"] == []
    assert errors(mara_api.post("commissions/approve", {"ids": [theirs.public_id]})) == [("ids[0]", "not_found")]


def test_finance_sees_commissions_but_does_not_decide(felix_api, music, ana):
    commission = make_commission(make_conversion(music, ana))

    assert len(felix_api.get("commissions", affiliate=ana.public_id, program="music").json()["results"]) == 1
    assert felix_api.post("commissions/approve", {"ids": [commission.public_id]}).status_code == 403


def test_a_rule_is_made_revised_and_archived(mara_api, music, music_offer, ana):
    made = mara_api.post(
        "commission-rules", RULE | {"offer": "music-shop", "affiliate": ana.public_id, "priority": 3, "value": 12}
    )
    assert made.status_code == 201
    rule = made.json()
    assert (rule["type"], rule["value"], rule["offer"], rule["affiliate"], rule["priority"]) == (
        "percentage", "12", music_offer.public_id, ana.public_id, 3,
    )  # fmt: skip

    path = f"commission-rules/{rule['id']}"
    revised = mara_api.patch(path, {"type": "flat", "value": "7.50"}).json()
    assert [(version["number"], version["type"], version["value"]) for version in revised["versions"]] == [
        (2, "flat", "7.5"),
        (1, "percentage", "12"),
    ]
    assert (revised["type"], revised["value"]) == ("flat", "7.5")
    mara_api.patch(path, {"value": "7.50"})
    assert RuleVersion.objects.count() == 2
    assert mara_api.patch(path, {"archived": True}).json()["archived_at"]
    late = mara_api.patch(path, {"value": "8.00"})
    assert (late.status_code, errors(late)) == (409, [(None, "archived")])
    assert mara_api.get("commission-rules", program="music").json()["results"][0]["id"] == rule["id"]


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"type": "per_item"}, ("type", "not_offered")),
        ({"type": "bribe"}, ("type", "choice")),
        ({"tiers": [1]}, ("tiers", "not_offered")),
        ({"conditions": {"all": []}}, ("conditions", "not_offered")),
        ({"value": "101"}, ("value", "invalid")),
        ({"value": "-1"}, ("value", "amount")),
        ({"value": 1e-7}, ("value", "amount")),
        ({"value": "1.00001"}, ("value", "decimals")),
        ({"type": "flat", "value": "1.001"}, ("value", "decimals")),
        ({"priority": 40_000}, ("priority", "max_value")),
        ({"starts_at": "tomorrow"}, ("starts_at", "time")),
    ],
)
def test_rules_that_cannot_be_are_refused(mara_api, music, wrong, expected):
    answer = mara_api.post("commission-rules", RULE | wrong)

    assert (answer.status_code, errors(answer)) == (400, [expected])


@pytest.mark.parametrize("method", ["get", "post", "patch"])
def test_a_simulation_is_not_there_yet(mara_api, music, method):
    answer = mara_api.send(method, "commission-rules/simulate", RULE, None, {})

    assert (answer.status_code, errors(answer)) == (404, [(None, "not_found")])


def test_absent_options_of_later_are_no_error(mara_api, music):
    assert mara_api.post("commission-rules", RULE | {"tiers": None, "cap": None}).status_code == 201


def test_payout_methods_are_masked(felix_api, ana):
    body = {"type": "bank_transfer", "currency": "EUR", "details": {"account_holder": "Ana", "iban": "DE89370400440532013000"}}
    made = felix_api.post(f"affiliates/{ana.public_id}/payout-methods", body)

    assert made.status_code == 201
    assert made.json()["hint"] == "DE•• •••• 3000"
    assert "DE89" not in made.content.decode()
    assert felix_api.get(f"affiliates/{ana.public_id}/payout-methods").json() == [made.json()]
    assert method_details(ana.payout_methods.get())["iban"] == "DE89370400440532013000"
    wrong = body | {"details": {"account_holder": "Ana", "iban": "DE00"}}
    assert errors(felix_api.post(f"affiliates/{ana.public_id}/payout-methods", wrong)) == [("details.iban", "iban")]


def test_a_cutoff_is_a_moment_or_the_end_of_a_day(felix_api, music):
    music.time_zone = "America/New_York"
    music.save()
    body = {"program": "music", "currency": "USD"}
    felix_api.post("payout-batches", body | {"cutoff": "2026-10-31"})
    felix_api.post("payout-batches", body | {"cutoff": "2026-10-31T12:00:00+02:00"})

    assert list(PayoutBatch.objects.order_by("pk").values_list("cutoff", flat=True)) == [
        datetime(2026, 11, 1, 4, tzinfo=UTC),
        datetime(2026, 10, 31, 10, tzinfo=UTC),
    ]
    assert errors(felix_api.post("payout-batches", body | {"cutoff": "soon"})) == [("cutoff", "time")]
    assert errors(felix_api.post("payout-batches", body | {"cutoff": "2026-13-01"})) == [("cutoff", "date")]


def test_a_batch_is_cancelled_once(felix_api, music):
    batch = make_batch(music).public_id
    assert felix_api.post(f"payout-batches/{batch}/cancel").json()["status"] == "cancelled"

    answer = felix_api.post(f"payout-batches/{batch}/cancel")
    assert (answer.status_code, errors(answer)) == (409, [(None, "state")])


def test_the_maker_of_a_batch_never_approves_it(felix_api, felix, music, ana):
    batch = make_batch(music, by=felix)
    make_payout(batch, ana)
    answer = felix_api.post(f"payout-batches/{batch.public_id}/approve")

    assert (answer.status_code, errors(answer)) == (403, [(None, "second_person")])


def test_who_is_suspended_since_the_computation_holds_up_the_approval(felix_api, music, ana):
    batch = make_batch(music)
    make_payout(batch, ana)
    ana.enrollments.update(status="suspended")
    answer = felix_api.post(f"payout-batches/{batch.public_id}/approve")

    assert (answer.status_code, errors(answer)) == (409, [(None, "changed")])


def test_a_batch_without_a_payment_is_not_to_be_approved_now(felix_api, music):
    answer = felix_api.post(f"payout-batches/{make_batch(music).public_id}/approve")

    assert (answer.status_code, errors(answer)) == (409, [(None, "empty")])


def test_a_payment_file_is_for_approved_batches_and_those_who_approve(felix_api, mara_api, music, ana):
    draft = make_batch(music)
    early = felix_api.get(f"payout-batches/{draft.public_id}/files/csv")
    assert (early.status_code, errors(early)) == (409, [(None, "not_approved")])
    assert felix_api.get(f"payout-batches/{draft.public_id}/files/sepa").status_code == 404
    assert mara_api.get(f"payout-batches/{draft.public_id}/files/csv").status_code == 403


def test_a_payment_file_holds_no_formula(felix_api, music, ana):
    ana.name = "=HYPERLINK(1)"
    ana.save()
    batch = make_batch(music, status="approved")
    make_payout(batch, ana, method=make_payout_method(ana, details=encrypt({"account_holder": "@SUM(1)", "iban": "+1"})))
    answer = felix_api.get(f"payout-batches/{batch.public_id}/files/csv")

    text = answer.content.decode()
    assert "'=HYPERLINK(1)" in text and ",=" not in text and ",@" not in text


def test_batches_of_other_programs_look_absent(felix_api, books):
    theirs = make_batch(books).public_id

    assert felix_api.get("payout-batches").json()["results"] == []
    for answer in (
        felix_api.get(f"payout-batches/{theirs}"),
        felix_api.get(f"payout-batches/{theirs}/files/csv"),
        *(felix_api.post(f"payout-batches/{theirs}/{action}") for action in ("approve", "cancel", "paid")),
    ):
        assert answer.status_code == 404


def test_a_balance_counts_the_programs_of_the_key(mara_api, ada_api, music, books):
    both = make_affiliate(external_id="b-1")
    make_enrollment(both, music), make_enrollment(both, books)
    make_commission(make_conversion(music, both), amount="5.00")
    make_commission(make_conversion(books, both), amount="7.00")

    assert [(row["currency"], row["pending"]) for row in mara_api.get("affiliates/b-1/balance").json()] == [("USD", "5.00")]
    assert [(row["currency"], row["pending"]) for row in ada_api.get("affiliates/b-1/balance").json()] == [
        ("EUR", "7.00"),
        ("USD", "5.00"),
    ]


def test_performance_by_each_way_and_in_pages(mara_api, music, music_offer, ana):
    link = make_link(ana, music_offer)
    day = datetime(2026, 5, 1, 12, tzinfo=UTC)
    make_click(link, at=day, subs=["news"]), make_click(link, at=day, subs=["news"])
    make_conversion(music, ana, "10.00", occurred_at=day, link=link, offer=music_offer, subs=["news"])
    make_conversion(
        music, None, "0.00", occurred_at=datetime(2026, 5, 2, tzinfo=UTC), affiliate_id=None, source="", reason="nothing_given"
    )

    def rows(**query):
        return mara_api.get("reports/performance", **query).json()["results"]

    assert [(row["key"], row["clicks"], row["unique_clicks"], row["conversions"]) for row in rows(group_by="day")] == [
        ("2026-05-01", 2, 1, 1),
        ("2026-05-02", 0, 0, 1),
    ]
    for group_by, key in (
        ("affiliate", ana.public_id),
        ("offer", music_offer.public_id),
        ("link", link.public_id),
        ("sub1", "news"),
    ):
        assert [(row["key"], row["amount"]) for row in rows(group_by=group_by)] == [("", "0.00"), (key, "10.00")]
    assert all(value is not None for row in rows(group_by="link") for value in row.values())
    assert [row["key"] for row in rows(from_="2026-05-02", to="2026-05-02")] == ["2026-05-02"]
    first = mara_api.get("reports/performance", limit=1).json()
    second = mara_api.client.get(first["next"], headers=mara_api.headers).json()
    assert (first["previous"], second["next"]) == (None, None)
    assert [row["key"] for row in first["results"] + second["results"]] == ["2026-05-01", "2026-05-02"]


def test_performance_takes_a_known_group_and_a_visible_program(mara_api, music, books):
    assert errors(mara_api.get("reports/performance", group_by="mood")) == [("group_by", "choice")]
    assert errors(mara_api.get("reports/performance", program="books")) == [("program", "not_found")]
    assert errors(mara_api.get("reports/performance", limit=1001)) == [("limit", "limit")]


def test_performance_of_every_visible_program_page_by_page(ada_api, mara_api, music, books, ana):
    for program, first_day in ((music, 1), (books, 2)):
        for day in range(first_day, first_day + 2):
            make_conversion(program, ana, "10.00", occurred_at=datetime(2026, 5, day, 12, tzinfo=UTC))

    whole = [(row["program"], row["key"], row["currency"]) for row in ada_api.get("reports/performance").json()["results"]]
    assert whole == [
        (program.public_id, key, program.currency)
        for program in sorted((music, books), key=lambda program: program.pk)
        for key in (["2026-05-01", "2026-05-02"] if program == music else ["2026-05-02", "2026-05-03"])
    ]
    assert {row["program"] for row in mara_api.get("reports/performance").json()["results"]} == {music.public_id}

    there, page = [], ada_api.get("reports/performance", limit=3).json()
    last = ada_api.client.get(page["next"], headers=ada_api.headers).json()
    back = ada_api.client.get(last["previous"], headers=ada_api.headers).json()
    there = [(row["program"], row["key"], row["currency"]) for row in page["results"] + last["results"]]
    assert there == whole and last["next"] is None and page["previous"] is None
    assert (back["results"], back["previous"], back["next"]) == (page["results"], None, page["next"])


def test_a_report_that_takes_too_long_is_given_up(mara_api, music, monkeypatch):
    def slow(*how, **options):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(30)")

    monkeypatch.setattr("reports.api.performance", slow)
    monkeypatch.setattr("reports.api.LONGEST_SECONDS", 1)
    answer = mara_api.get("reports/performance")

    assert (answer.status_code, errors(answer)) == (503, [(None, "too_long")])
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)


@pytest.mark.parametrize("how", ["file", "start"])
def test_over_the_api_what_the_bank_may_have_is_cancelled_only_on_ones_word(felix_api, felix, music, how):
    approved = make_batch(music, status="approved", approved_by=felix)
    address = f"payout-batches/{approved.public_id}"
    if how == "start":
        assert felix_api.post(f"{address}/start").json()["status"] == "executing"
    assert felix_api.get(f"{address}/files/csv").status_code == 200
    assert felix_api.get(address).json()["status"] == ("executing" if how == "start" else "approved")

    refused = felix_api.post(f"{address}/cancel")
    assert (refused.status_code, errors(refused)) == (409, [("not_executed", "may_be_executed")])
    assert felix_api.post(f"{address}/cancel", {"not_executed": False}).status_code == 409
    assert felix_api.post(f"{address}/cancel", {"not_executed": True}).json()["status"] == "cancelled"


def test_to_ask_what_a_file_is_like_hands_none_out(felix_api, felix, music):
    approved = make_batch(music, status="approved", approved_by=felix)
    answer = felix_api.client.head(f"/api/v1/payout-batches/{approved.public_id}/files/csv", headers=felix_api.headers)

    assert (answer.status_code, answer["Allow"]) == (405, "GET")
    assert felix_api.get(f"payout-batches/{approved.public_id}").json()["status"] == "approved"


def test_a_draft_tells_what_has_come_in_since_and_is_computed_again(felix_api, hana, music, ana):
    method = make_payout_method(ana)
    commission = make_commission(make_conversion(music, ana), decision="approved", amount="50.00")
    draft = make_batch(music, by=hana)
    payout = make_payout(draft, ana, "50.00", method=method)
    payout.lines.create(commission=commission, amount=commission.amount)
    assert felix_api.get(f"payout-batches/{draft.public_id}").json()["changes"] == []
    make_reversal(commission, amount="5.00")

    [change] = felix_api.get(f"payout-batches/{draft.public_id}").json()["changes"]
    assert change == {
        "affiliate": ana.public_id,
        "computed": "50.00",
        "now": "45.00",
        "currency": "USD",
        "exceptions": [],
        "holds_up": False,
    }
    again = felix_api.post(f"payout-batches/{draft.public_id}/recompute")
    assert again.status_code == 201 and again.json()["id"] != draft.public_id
    assert felix_api.get(f"payout-batches/{draft.public_id}").json()["status"] == "cancelled"
    assert felix_api.post(f"payout-batches/{draft.public_id}/recompute").status_code == 409


def test_the_api_holds_the_time_of_payment_too(felix_api, felix, music):
    approved = make_batch(music, status="approved", approved_by=felix)
    before = (approved.approved_at - timedelta(days=2)).isoformat().replace("+00:00", "Z")
    refused = felix_api.post(f"payout-batches/{approved.public_id}/paid", {"paid_at": before})

    assert errors(refused) == [("paid_at", "too_early")]
