"""Finding tickets by words, subjects, people and ids."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from support.queries import search
from support.queries.search import excerpts, read_question, search_tickets
from tests.factories import make_affiliate
from tests.factories_support import make_contact, make_message, make_ticket

pytestmark = pytest.mark.django_db


@pytest.fixture
def ticket(music, ana):
    ticket = make_ticket(ana, music, subject="Payout of March")
    make_message(ticket, "My postback does not arrive, says the log")
    return ticket


def found(text, by):
    return search_tickets(text, by=by).tickets


def make_common(monkeypatch):
    """Every word is taken for one that is in very many messages."""
    monkeypatch.setattr(search, "COMMON", -1)
    monkeypatch.setattr(search, "BEGUN_COMMON", -1)


def test_words_of_a_message_find_its_ticket_whatever_their_case(ticket, mara):
    assert found("POSTBACK arrive", mara) == [ticket.pk]
    assert found('"does not arrive"', mara) == [ticket.pk]
    assert found("postback -says", mara) == []


def test_parts_of_a_subject_a_name_and_an_address_find_it(ticket, mara, music):
    other = make_ticket(contact=make_contact(email="wanda@elsewhere.example", name="Wanda Lee"), program=music)

    assert found("ayout", mara) == [ticket.pk]
    assert found("Ana", mara) == [ticket.pk]
    assert found("anda@else", mara) == [other.pk]
    assert found("nda Le", mara) == [other.pk]


def test_letters_without_a_capital_of_their_own_are_found_as_they_are_written(mara, music, ana):
    named = make_ticket(make_affiliate("strauss@example.com", name="Ida Weißkopf"), music, subject="Hello")
    about = make_ticket(ana, music, subject="Die Straße zum Shop")

    assert found("weißkopf", mara) == [named.pk]
    assert found("straße", mara) == [about.pk]


def test_public_ids_find_theirs(ticket, mara, ana):
    message = ticket.messages.get()

    for text in (ticket.public_id, message.public_id, ana.public_id):
        assert found(text, mara) == [ticket.pk]
    assert found("tkt_nothing", mara) == []


def test_other_programs_tickets_are_not_found(ticket, nils, ada):
    assert found("postback", nils) == found(ticket.public_id, nils) == found("Ana", nils) == []
    assert found("postback", ada) == [ticket.pk]


def test_newest_hits_come_first(ticket, mara, music, bao):
    later = make_ticket(bao, music)
    make_message(later, "another postback")

    assert found("postback", mara) == [later.pk, ticket.pk]


def test_a_common_word_is_read_off_the_newest_messages_and_the_reader_is_told(ticket, mara, music, bao, monkeypatch):
    later = make_ticket(bao, music)
    make_message(later, "another postback")
    make_common(monkeypatch)
    monkeypatch.setattr(search, "NEWEST", 1)

    result = search_tickets("postback", by=mara)

    assert result.tickets == [later.pk]
    assert "only the newest" in result.cut


def test_the_last_word_may_be_a_beginning(ticket, mara):
    assert found("postb", mara) == found("arrive postb", mara) == [ticket.pk]
    assert found("log -postb", mara) == [ticket.pk]
    for text in ("postb arrive", "ostback", '"does no"', "po xpostb"):
        assert found(text, mara) == [], text
    assert "<mark>postback</mark>" in excerpts([ticket.messages.get().pk], read_question("postb"))[ticket.messages.get().pk]


def test_a_word_finds_what_has_its_stem_in_the_messages_language(ticket, mara, music, bao):
    texts = [
        ("Where are my payments of March?", "vi"),  # told by its words, whatever the affiliate's language
        ("Zahlungen?", "de-AT"),  # the ticket's: its words tell nothing
        ("Комиссии", "ru"),
        ("Zahlung", ""),
    ]
    english, german, russian, unknown = (make_ticket(bao, music, subject="…", language=language) for _, language in texts)
    for at, (text, _language) in zip((english, german, russian, unknown), texts, strict=True):
        make_message(at, text)

    for text in ("payment", "PAYMENTS march", '"my payments"', "payments -stripe"):
        assert found(text, mara) == [english.pk], text
    assert found("Zahlungen", mara) == [unknown.pk, german.pk]
    assert found("комиссия", mara) == [russian.pk]
    for text in ('"my payment"', "payment -payments", "march -payment", "Комиссии -комиссия"):
        assert found(text, mara) == [], text
    assert (
        "my <mark>payments</mark> of"
        in excerpts([english.messages.get().pk], read_question("payment"))[english.messages.get().pk]
    )


def test_a_stem_of_one_language_is_no_word_of_another(ticket, mara, music, bao):
    # In Spanish "mara" and "mar" have one stem; in English they are two words.
    make_message(make_ticket(bao, music, subject="…", language="en"), "Sales of 3 mar and of the week")

    assert found("mara", mara) == []


def test_what_is_common_in_other_programs_hides_nothing_of_ones_own(ticket, mara, nils, books, music, bao, monkeypatch):
    own = make_ticket(bao, books, subject="Payout of April")
    make_message(own, "another postback")
    for number in range(4):
        make_message(make_ticket(make_affiliate(name=f"Bao {number}"), music, subject="Payout"), "postback")
    make_common(monkeypatch)
    monkeypatch.setattr(search, "NEWEST", 2)
    monkeypatch.setattr(search, "NAMED", 1)

    for text in ("postback", "another postb", "payout", "Bao"):
        assert found(text, nils) == [own.pk], text
    monkeypatch.undo()  # and where the rows tell their program
    assert found("postback", nils) == [own.pk]


def test_names_of_orders_are_found_with_and_without_what_stands_before_the_number(ticket, mara, music, bao):
    other = make_ticket(bao, music, subject="Sales")
    make_message(other, "Where is A-1001, and where 2077?")

    for text in ("A-1001", "a-100", "1001", "order A-1001 or 2077", "2077", '"is A-1001"', "where -1002 1001"):
        assert found(text, mara) == [other.pk], text
    assert found("A-1002", mara) == found("B-1001", mara) == found("100", mara) == []


def test_a_rare_word_among_common_ones_finds_what_holds_them_all(ticket, mara, music, bao, monkeypatch):
    make_message(make_ticket(bao, music, subject="Payout of April"), "A postback that does arrive")
    monkeypatch.setattr(search, "EACH_COMMON", -1)  # every word but the rarest

    for text in ("postback log", "log postb", '"does not" postback', "ayout Marc", "postback postback logs"):
        assert found(text, mara) == [ticket.pk], text
    assert found("postback -log", mara) != found("postback or log", mara)
    assert found("arrive nowhere", mara) == []
    monkeypatch.setattr(search, "LIKELY", 1)  # where the rare one is not rare
    assert found("postback log", mara) == [ticket.pk]


def test_all_messages_are_looked_through_when_that_is_asked_for(ticket, mara, music, bao, monkeypatch):
    later = make_ticket(bao, music)
    make_message(later, "another postback")
    make_common(monkeypatch)
    monkeypatch.setattr(search, "NEWEST", 1)

    assert search_tickets("postback", by=mara).more
    result = search_tickets("postback", by=mara, whole=True)

    assert (result.tickets, result.cut, result.more) == ([later.pk, ticket.pk], "", False)
    assert search_tickets("ayout", by=mara, whole=True).tickets == [ticket.pk]


def test_looking_through_all_is_given_up_in_time_and_the_reader_is_told(ticket, mara, monkeypatch):
    make_common(monkeypatch)
    monkeypatch.setattr(search, "PATIENCE", 0.02)
    monkeypatch.setattr(search, "MATCHES", "search @@ %(query)s::tsquery AND pg_sleep(0.1) IS NOT NULL")

    result = search_tickets("postback", by=mara, whole=True)

    assert result.tickets == [ticket.pk]
    assert "given up" in result.cut
    assert not result.more


def test_the_page_offers_to_look_through_all_where_it_has_not(client, ticket, mara, monkeypatch):
    make_common(monkeypatch)
    client.force_login(mara)
    page = reverse("manage:ticket_list")

    told = client.get(page, {"q": "postback"}).content.decode()

    assert "Look through all of them" in told
    assert "?q=postback&amp;all=1" in told
    assert "Look through all of them" not in client.get(page, {"q": "postback", "all": "1"}).content.decode()


def test_characters_that_mean_something_to_the_database_mean_nothing(ticket, mara):
    for text in ("100%", "p_yout", "back\\slash", "' or 1=1", "(", ":*", "\x00", "!!", "<->", '"'):
        assert found(text, mara) == []


def test_the_words_are_marked_and_the_rest_is_text(ticket):
    message = make_message(ticket, "A postback & <i>more</i>")

    shown = excerpts([message.pk], read_question("postback"))[message.pk]

    assert "<mark>postback</mark>" in shown
    assert "&amp;" in shown
    assert "<i>" not in shown


def test_an_excerpt_begins_shortly_before_what_was_found(ticket):
    message = make_message(
        ticket, "Since the start of this week nobody of us here has seen a single postback of your shop arrive"
    )

    shown = excerpts([message.pk], read_question("postback shop"))[message.pk]

    assert shown == "… here has seen a single <mark>postback</mark> of your <mark>shop</mark> arrive"


def test_a_search_takes_as_many_queries_at_one_hit_as_at_many(ticket, mara, music, bao):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            search_tickets("postback", by=mara)
        return len(captured)

    queries()
    one = queries()
    for _ in range(30):
        make_message(make_ticket(bao, music, subject="postback"), "postback")

    assert queries() == one <= 12
