"""Macros say what is true of the affiliate who gets them, in words meant for them, or are not sent."""

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from core.access import AccessError
from support.models import Macro, MacroUse, MacroVariant, Message
from support.placeholders import PLACEHOLDERS, Subject, fill
from support.services.macros import (
    MacroError,
    Words,
    choose_variant,
    create_macro,
    fill_for_ticket,
    reply_with_macro,
    update_macro,
)
from tests.factories import assign, earn, make_commission, make_conversion, make_coupon, make_link, make_payout_method, make_user
from tests.factories_knowledge import make_macro
from tests.factories_support import make_channel, make_contact, make_ticket
from tests.pages import text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def ticket(music, ana):
    return make_ticket(ana, program=music, channel=make_channel(music, "portal"))


def test_every_placeholder_is_filled_from_the_affiliates_own_data(music, music_offer, ana, bao, mara):
    ana.manager = mara
    ana.save()
    link = make_link(ana, music_offer, code="ana-link")
    make_link(bao, music_offer, code="bao-link")
    make_coupon(ana, music, code="ANA10")
    make_payout_method(ana)
    make_commission(make_conversion(music, ana, link=link, external_id="bag-7", offer=music_offer), amount="3.00")
    make_commission(
        make_conversion(music, ana), decision="approved", amount="7.50", payable_at=timezone.now() + timedelta(days=9)
    )
    earn(music, ana, mara, "8.00")
    text = " ".join("{{" + name + "}}" for name in PLACEHOLDERS if name not in ("next_payout", "last_payout"))

    told, missing = fill(text, Subject(music, ana, writer=mara, subject="Hello"))

    assert missing == []
    for part in ("Ana", "Mara", "ana-link", "ANA10", "$3.00", "$7.50", "$8.00", "$12.00", "$20.00", "By arrangement"):
        assert part in told, part
    assert "bao-link" not in told


def test_a_missing_value_is_listed_and_nothing_is_sent(ticket, mara):
    macro = make_macro(ticket.program, "Your link is {{link}}, your coupon {{coupon}}, {{ name }}.")

    with pytest.raises(MacroError, match="link, coupon"):
        reply_with_macro(ticket, macro, by=mara)
    assert not Message.objects.filter(direction="out").exists()

    with pytest.raises(MacroError, match="before you send: coupon"):
        reply_with_macro(ticket, macro, by=mara, text="Your link is https://x.example, your coupon {{ coupon }}.")
    reply_with_macro(ticket, macro, by=mara, text="You have neither link nor coupon yet.")
    assert Message.objects.get(direction="out").body_text == "You have neither link nor coupon yet."


@pytest.mark.parametrize("name", ["{{payable}}", "{% load static %}", "{{ settings.SECRET_KEY }}", "\\1\\g<0>", "<script>"])
def test_what_an_affiliate_calls_themselves_is_data_and_nothing_else(music, ana, name):
    ana.name = name
    told, missing = fill("Hello {{name}}, {{payable}}", Subject(music, ana))

    assert told == f"Hello {name}, $0.00"
    assert missing == []


def test_unknown_placeholders_are_refused_when_written(mara, music):
    with pytest.raises(MacroError, match="no such placeholder: secret"):
        create_macro(by=mara, name="Bad", program=music, variants=[Words("Hi {{secret}}")])
    assert not Macro.objects.exists()


def variants(*places):
    return [
        MacroVariant(pk=number, segment=segment, language=language, text="x")
        for number, (segment, language) in enumerate(places, 1)
    ]


@pytest.mark.parametrize(
    ("places", "tags", "language", "chosen"),
    [
        ([("", ""), ("large", "")], ["large"], "en", ("large", "")),
        ([("", ""), ("large", "")], ["LARGE"], "en", ("large", "")),
        ([("", ""), ("large", "")], [], "en", ("", "")),
        ([("", "en"), ("", "de")], [], "de", ("", "de")),
        ([("", "de"), ("large", "en")], ["large"], "de", ("", "de")),  # their language before their segment
        ([("", "de"), ("large", "de")], ["large"], "de-AT", ("large", "de")),
        ([("", "en"), ("", "de")], [], "fr", ("", "en")),
        ([("", ""), ("", "en")], [], "fr", ("", "")),
        ([("", "de")], [], "fr", ("", "de")),
        ([("large", "")], ["small"], "en", None),
        ([], [], "en", None),
    ],
)
def test_the_variant_is_chosen_by_segment_and_language(places, tags, language, chosen):
    found = choose_variant(variants(*places), tags, language)

    assert (found and (found.segment, found.language)) == chosen


def test_sending_does_what_the_macro_says_and_sends_its_files(ticket, mara, music, tmp_path, settings):
    macro = make_macro(
        music, set_status="resolved", set_type="technical", set_level="engineer", set_priority="high", add_tags=["Pixel"]
    )

    message = reply_with_macro(ticket, macro, by=mara)

    ticket.refresh_from_db()
    assert message.body_text == "Hello Ana."
    assert (ticket.status, ticket.type, ticket.level, ticket.priority) == ("resolved", "technical", "engineer", "high")
    assert "pixel" in ticket.tags


def test_how_far_it_was_changed_is_measured_so_that_good_ones_are_seen(ticket, mara, music, as_person):
    good, bad = make_macro(music, "Hello {{name}}, it is done."), make_macro(music, "Whatever I meant to say.")
    reply_with_macro(ticket, good, by=mara)
    reply_with_macro(ticket, good, by=mara, text="Hello Ana, it is gone.")
    reply_with_macro(ticket, bad, by=mara, text="Something else entirely, sorry!")

    assert [use.distance for use in good.uses.order_by("pk")] == [0, pytest.approx(1 / 22)]
    assert bad.uses.get().distance > 0.7
    picker = text_of(as_person(mara).get(reverse("manage:macro_pick"), {"ticket": ticket.public_id}))
    assert "Used 2 times, 2.3% changed" in picker
    page = as_person(mara).get(reverse("manage:macro_list") + "?sort=-used").content.decode()
    assert page.index(good.name) < page.index(bad.name)
    page = as_person(mara).get(reverse("manage:macro_list") + "?sort=-changed").content.decode()
    assert page.index(bad.name) < page.index(good.name)


def test_macros_of_another_program_are_not_there(ticket, mara, nils, books, music):
    theirs, ours, general, old = make_macro(books), make_macro(music), make_macro(), make_macro(music, is_active=False)

    assert set(Macro.objects.visible_to(mara)) == {ours, general, old}
    assert set(Macro.objects.written_by(mara)) == {ours, old}
    for macro in (theirs, old):
        with pytest.raises(MacroError, match="not in use"):
            reply_with_macro(ticket, macro, by=mara)
    with pytest.raises(AccessError):
        update_macro(ours, by=nils, variants=[Words("Mine")])
    with pytest.raises(AccessError, match="every program"):
        create_macro(by=mara, name="For all", variants=[Words("Hi")])


def test_variants_that_stay_keep_their_uses(ticket, mara, music):
    macro = create_macro(by=mara, name="M", program=music, variants=[Words("One"), Words("Large", "large")])
    reply_with_macro(ticket, macro, by=mara)

    update_macro(macro, by=mara, variants=[Words("One and a half")])

    assert [variant.text for variant in macro.variants.all()] == ["One and a half"]
    assert MacroUse.objects.get().variant == macro.variants.get()
    with pytest.raises(MacroError, match="same segment"):
        update_macro(macro, by=mara, variants=[Words("a"), Words("b")])
    with pytest.raises(MacroError, match="at least one"):
        update_macro(macro, by=mara, variants=[])


def test_a_ticket_of_somebody_unknown_has_a_name_and_nothing_else(music, mara):
    ticket = make_ticket(program=music, contact=make_contact())

    assert "Hello" in fill_for_ticket(make_macro(music), ticket, by=mara).text
    with pytest.raises(MacroError, match="payable"):
        fill_for_ticket(make_macro(music, "{{payable}}"), ticket, by=mara)


def test_the_picker_finds_by_typing_and_fills_for_the_ticket(ticket, mara, nils, as_person, music):
    paid = make_macro(music, "{{name}}, your payout of {{payable}} is on its way.", name="Payout soon")
    make_macro(music, "Your {{link}}", name="Link")
    browser, where = as_person(mara), {"ticket": ticket.public_id}

    found = browser.get(reverse("manage:macro_pick"), {**where, "q": "payout way"}).content.decode()
    filled = browser.get(reverse("manage:macro_fill", args=[paid.public_id]), where)
    lacking = browser.get(reverse("manage:macro_fill", args=[Macro.objects.get(name="Link").public_id]), where)

    assert "Payout soon" in found
    assert ">Link<" not in found
    assert filled.json()["text"] == "Ana, your payout of $0.00 is on its way."
    assert (lacking.json()["text"], lacking.json()["missing"]) == ("Your {{link}}", ["link"])
    assert as_person(nils).get(reverse("manage:macro_pick"), where).status_code == 404


def test_a_macro_is_written_with_a_file_and_previewed_as_an_affiliate(mara, music, ana, as_person, ticket):
    browser = as_person(mara)
    given = {
        "name": "Welcome",
        "program": music.pk,
        "is_active": "on",
        "add_tags": "New, New",
        "variants-TOTAL_FORMS": 2,
        "variants-INITIAL_FORMS": 0,
        "variants-0-text": "Welcome {{name}}",
        "variants-1-segment": "large",
        "variants-1-text": "Dear partner",
        "files": SimpleUploadedFile("guide.txt", b"How to begin"),
    }
    answer = browser.post(reverse("manage:macro_create"), given)
    macro = Macro.objects.get()
    assert answer["Location"] == reverse("manage:macro_detail", args=[macro.public_id])
    assert (macro.add_tags, macro.files.get().name) == (["new"], "guide.txt")

    assert "Welcome Ana" in browser.get(answer["Location"], {"as": ana.public_id}).content.decode()
    ana.tags = ["large"]
    ana.save()
    assert "Dear partner" in browser.get(answer["Location"], {"as": "ana"}).content.decode()

    message = reply_with_macro(ticket, macro, by=mara)
    assert message.attachments.get().name == "guide.txt"


def test_the_picker_takes_as_many_queries_for_many_macros_as_for_one(ticket, mara, as_person, music):
    browser, url = as_person(mara), reverse("manage:macro_pick")
    make_macro(music)
    browser.get(url, {"ticket": ticket.public_id})
    with CaptureQueriesContext(connection) as one:
        browser.get(url, {"ticket": ticket.public_id})
    for _ in range(20):
        make_macro(music)
    with CaptureQueriesContext(connection) as many:
        browser.get(url, {"ticket": ticket.public_id})

    assert len(one) == len(many)


def test_the_composer_sends_a_macro_as_it_was_changed_and_measures_it(ticket, mara, as_person, music):
    macro = make_macro(music, set_type="traffic")
    sent = {"mode": "reply", "body": "Hello Ana!", "after": "pending", "macro": macro.public_id}

    as_person(mara).post(reverse("manage:message_create", args=[ticket.public_id]), sent)

    ticket.refresh_from_db()
    assert (Message.objects.get(direction="out").body_text, ticket.type, ticket.status) == ("Hello Ana!", "traffic", "pending")
    assert macro.uses.get().distance == pytest.approx(1 / 10)


def test_the_ticket_shows_the_picker_and_its_key(ticket, mara, as_person):
    page = as_person(mara).get(reverse("manage:ticket_detail", args=[ticket.public_id])).content.decode()

    assert 'data-key="m"' in page
    assert reverse("manage:macro_pick") in page


def test_whoever_does_not_see_the_money_reads_none_of_it_in_a_macro(ticket, music, ana, mara):
    earn(music, ana, mara, "8.00")
    engineer = assign(make_user("jun@tributary.example", "Jun"), "engineer", music)
    macro = make_macro(music, "You get {{payable}}.")

    assert "8.00" in fill_for_ticket(macro, ticket, by=mara).text
    with pytest.raises(MacroError, match="payable"):
        fill_for_ticket(macro, ticket, by=engineer)
