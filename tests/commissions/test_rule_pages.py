from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from commissions.models import Commission, CommissionRule
from commissions.rules import rules_of_program
from commissions.services import archive_rule, create_rule, revise_rule
from tests.factories import make_commission, make_conversion, make_rule, make_rule_version
from tests.pages import text_of
from tests.spellings import NO_NUMBERS

NEW = {"type": "percentage", "value": "10", "event": "sale", "priority": "0", "otherwise": "now"}
ADD = "/manage/programs/music/rules/new/"


def url(rule: CommissionRule, then: str = "") -> str:
    return f"/manage/rules/{rule.public_id}/{then}"


def test_a_rule_that_nobody_named_is_called_by_what_it_pays_for(as_person, mara, music):
    answer = as_person(mara).post(ADD, NEW, follow=True)

    rule = CommissionRule.objects.get()
    assert rule.name == "Every sale"
    assert rule.versions.get().value == Decimal(10)
    assert "Every sale" in text_of(answer)


def test_a_new_rate_prices_no_sale_of_the_past_unless_it_is_said_so(as_person, mara, music, ana):
    before = timezone.now()
    browser = as_person(mara)
    browser.post(ADD, NEW | {"name": "From now"})
    browser.post(ADD, NEW | {"name": "Always", "otherwise": "beginning"})
    browser.post(ADD, NEW | {"name": "May", "otherwise": "beginning", "starts_at": "2026-05-01T00:00"})

    starts = {rule.name: rule.versions.get() for rule in CommissionRule.objects.all()}
    assert before <= starts["From now"].starts_at <= timezone.now()
    assert starts["Always"].from_the_beginning
    assert starts["May"].starts_at.date().isoformat() == "2026-05-01"
    for page in (browser.get("/manage/programs/music/"), browser.get("/manage/rules/")):
        assert "the beginning" in text_of(page) and "1970" not in text_of(page)


def test_a_programs_first_rule_is_offered_from_the_beginning_and_others_from_now_on(as_person, mara, music):
    def chosen() -> str:
        return as_person(mara).get(ADD).context["form"]["otherwise"].value()

    assert chosen() == "beginning"
    rule = make_rule(music)
    assert chosen() == "now"
    archive_rule(rule, by=mara)
    assert chosen() == "now"  # the archived one priced what was sold under it


def test_a_rule_is_for_an_offer_and_one_affiliate(as_person, mara, music, music_offer, ana):
    fields = {"offer": music_offer.pk, "affiliate": "ana@tributary.example", "priority": "5", "name": "Ana's rate"}
    as_person(mara).post(ADD, NEW | fields)

    rule = CommissionRule.objects.get()
    assert (rule.offer, rule.affiliate, rule.priority, rule.name) == (music_offer, ana, 5, "Ana's rate")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"value": "101"}, "at most 100"),
        *(({"value": number}, "Give digits with a point") for number in NO_NUMBERS),
        ({"type": "flat", "value": "1.005"}, "more decimals than the currency"),
        ({"event": "two words"}, "An event has 1 to 40 letters"),
        ({"event": "SALE"}, "small letters: sale"),
        ({"affiliate": "nobody"}, "There is no such affiliate"),
        ({"priority": "99999"}, "less than or equal to 1000"),
    ],
)
def test_what_cannot_stand_is_told_and_nothing_is_made(as_person, mara, music, changes, told):
    answer = as_person(mara).post(ADD, NEW | changes)

    assert told in text_of(answer)
    assert not CommissionRule.objects.exists()


def test_offers_and_affiliates_of_other_programs_are_no_choice(as_person, mara, music, books_offer, books):
    answer = as_person(mara).post(ADD, NEW | {"offer": books_offer.pk})

    assert "Select a valid choice" in text_of(answer)
    assert not CommissionRule.objects.exists()


def test_rules_stand_in_the_order_in_which_they_win(mara, music, music_offer, ana):
    general = make_rule(music, name="general")
    of_offer = make_rule(music, name="offer", offer=music_offer)
    of_ana = make_rule(music, name="ana", affiliate=ana)
    first = make_rule(music, name="first", priority=1)
    lead = make_rule(music, name="lead", event="lead", priority=9)
    make_rule(music, name="archived", archived_at=timezone.now())

    assert rules_of_program(music.pk, mara, timezone.now(), 10) == [first, of_ana, of_offer, general, lead]


def test_a_change_is_shown_before_it_is_made(as_person, mara, music, ana):
    rule = make_rule(music, value="10")
    for amount in ("100.00", "50.00"):
        conversion = make_conversion(music, ana, amount)
        make_commission(conversion, amount=Decimal(amount) / 10, rule_version=rule.versions.get())
    browser = as_person(mara)

    preview = browser.post(url(rule, "revise/"), {"type": "percentage", "value": "12"})
    assert "2 conversions: $15.00 USD" in text_of(preview)
    assert "would have been $18.00 USD" in text_of(preview)
    assert rule.versions.count() == 1

    browser.post(url(rule, "revise/"), {"type": "percentage", "value": "12", "confirmed": "yes"})
    page = text_of(browser.get(url(rule)))
    assert "2 12% Active" in page
    assert "1 10% Replaced" in page
    assert set(Commission.objects.values_list("rule_version__number", flat=True)) == {1}


def test_a_change_to_come_leaves_the_rule_as_it_is_until_then(as_person, mara, music):
    rule = make_rule(music, value="10")
    begins = timezone.localtime(timezone.now() + timedelta(days=3)).strftime("%Y-%m-%dT%H:%M")
    as_person(mara).post(url(rule, "revise/"), {"type": "flat", "value": "3", "starts_at": begins, "confirmed": "yes"})

    page = text_of(as_person(mara).get(url(rule)))
    assert "2 $3.00 Scheduled" in page
    assert "1 10% Active" in page


def test_the_history_tells_what_each_version_pays(as_person, mara, music):
    rule = create_rule(music, by=mara, name="Standard", event="sale", type="percentage", value=Decimal("12.5"))
    revise_rule(rule, by=mara, type="flat", value=Decimal(5))

    for path in (f"/manage/rules/{rule.public_id}/", "/manage/programs/music/"):
        page = text_of(as_person(mara).get(path))
        assert "Rule “Standard” created: 12.5%" in page
        assert "Rule “Standard” changed: $5.00 from version 2 on" in page


def test_a_change_before_the_last_version_is_refused_at_its_field(as_person, mara, music):
    rule = create_rule(music, by=mara, name="Now", event="sale", type="percentage", value=Decimal(10), starts_at=timezone.now())
    fields = {"type": "percentage", "value": "12", "starts_at": "2020-01-01T00:00", "confirmed": "yes"}

    assert "must start after the last one" in text_of(as_person(mara).post(url(rule, "revise/"), fields))
    assert rule.versions.count() == 1


def test_an_archived_rule_is_done_with(as_person, mara, music):
    rule = make_rule(music)
    browser = as_person(mara)
    browser.post(url(rule, "archive/"))

    rule.refresh_from_db()
    assert rule.archived_at is not None
    assert "Change what it pays" not in text_of(browser.get(url(rule)))
    refused = browser.post(url(rule, "revise/"), {"type": "percentage", "value": "12", "confirmed": "yes"})
    assert "This rule is archived" in text_of(refused)
    assert url(rule) not in browser.get("/manage/programs/music/").content.decode()
    assert rule.name in text_of(browser.get("/manage/rules/", {"archived": "yes"}))


@pytest.mark.parametrize("then", ["", "revise/"])
def test_a_rule_of_others_is_not_there(as_person, mara, books, then):
    assert as_person(mara).get(url(make_rule(books), then)).status_code == 404


def test_finance_sees_rules_and_engineers_do_not(as_person, felix, jun, music):
    rule = make_rule(music)

    assert "Change what it pays" not in text_of(as_person(felix).get(url(rule)))
    assert as_person(felix).post(url(rule, "archive/")).status_code == 403
    assert as_person(jun).get(url(rule)).status_code == 403
    assert rule.name not in text_of(as_person(jun).get("/manage/programs/music/"))


def test_the_list_tells_what_is_paid_now(as_person, mara, music):
    rule = make_rule(music, value="8", name="Standard")
    make_rule_version(rule, number=2, value="10", starts_at=timezone.now() - timedelta(days=1))
    make_rule_version(rule, number=3, type="flat", value="4", starts_at=timezone.now() + timedelta(days=1))

    text = text_of(as_person(mara).get("/manage/rules/"))
    assert "Standard 10% changes" in text
