from decimal import Decimal

import pytest

from core.access import AccessError
from core.errors import Conflict
from core.models import Event
from programs.models import Program
from programs.services import ProgramError, create_offer, create_program, publish_terms, update_offer, update_program
from tests.factories import event_names

pytestmark = pytest.mark.django_db


def test_who_sees_to_all_programs_makes_a_new_one(hana):
    program = create_program(by=hana, name="CDs", slug="cds", currency="USD", minimum_payout=Decimal("5"))

    assert (program.status, program.hold_days) == ("active", 30)
    assert event_names(program) == ["program.created"]


@pytest.mark.parametrize("who", ["mara", "felix", "jun", "otto"])
def test_others_do_not(request, who):
    with pytest.raises(AccessError):
        create_program(by=request.getfixturevalue(who), name="CDs", slug="cds", currency="USD")
    assert not Program.objects.filter(slug="cds").exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("slug", "no spaces"),
        ("currency", "DOLLAR"),
        ("time_zone", "Europe/Atlantis"),
        ("attribution_window_days", 0),
        ("hold_days", -1),
        ("minimum_payout", Decimal("-1")),
        ("minimum_payout", Decimal("1.001")),
        ("fallback_url", "javascript:alert(1)"),
        ("accent_color", "blue"),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(hana, field, value):
    fields = {"name": "CDs", "slug": "cds", "currency": "USD"} | {field: value}
    with pytest.raises(ProgramError) as refused:
        create_program(by=hana, **fields)

    assert refused.value.field == field


def test_a_change_is_told_with_before_and_after_and_none_is_not_told(mara, music):
    update_program(music, by=mara, hold_days=7, name="Music")
    update_program(music, by=mara, hold_days=7)

    [event] = Event.objects.about(music)
    assert (event.name, event.by, event.data["changes"]) == ("program.updated", mara, {"hold_days": ["30", "7"]})


def test_a_program_keeps_its_currency(mara, music):
    with pytest.raises(ProgramError, match="keeps its currency"):
        update_program(music, by=mara, currency="EUR")


def test_a_manager_of_another_program_changes_nothing(nils, music, music_offer):
    for change in (
        lambda: update_program(music, by=nils, name="Mine"),
        lambda: create_offer(music, by=nils, name="Mine", landing_url="https://mine.example/"),
        lambda: update_offer(music_offer, by=nils, name="Mine"),
        lambda: publish_terms(music, "Mine", by=nils),
    ):
        with pytest.raises(AccessError):
            change()
    assert event_names() == []


def test_offers_get_slugs_of_their_names(mara, music):
    offers = [create_offer(music, by=mara, name="CD & Vinyl", landing_url="https://music.example/") for _ in range(3)]
    nameless = create_offer(music, by=mara, name="音楽", landing_url="https://music.example/")

    assert [offer.slug for offer in offers] == ["cd-vinyl", "cd-vinyl-2", "cd-vinyl-3"]
    assert nameless.slug == "music-offer"
    with pytest.raises(Conflict):
        create_offer(music, by=mara, name="Other", slug="cd-vinyl", landing_url="https://music.example/")


def test_domains_are_kept_bare_and_once(mara, music_offer):
    offer = update_offer(music_offer, by=mara, allowed_domains=[" Sale.Example. ", "sale.example", "münchen.example"])

    assert offer.allowed_domains == ["sale.example", "xn--mnchen-3ya.example"]
    assert offer.allows("https://eu.sale.example/") and not offer.allows("https://notsale.example/")
    for wrong in ("https://a.example/", "a.example/path", "*", "", "a b.example", "-a.example"):
        with pytest.raises(ProgramError, match="bare names"):
            update_offer(music_offer, by=mara, allowed_domains=[wrong])


def test_terms_are_numbered_and_the_same_again_are_refused(mara, music):
    assert [publish_terms(music, text, by=mara).number for text in ("One", "Two")] == [1, 2]
    with pytest.raises(ProgramError, match="in force already"):
        publish_terms(music, "Two", by=mara)
    with pytest.raises(ProgramError, match="empty"):
        publish_terms(music, " ", by=mara)
    assert event_names(music) == ["terms.published"] * 2
