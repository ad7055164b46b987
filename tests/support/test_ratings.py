"""CSAT: asked once it is resolved, given by one click of a person, changed and explained while it is open."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from channels.models import Outgoing
from channels.parsed import Quarantine
from channels.telegram.buttons import Press
from core.errors import Refusal
from core.events import deliver_due
from core.mail import readable_mails
from core.models import Mail
from support.models import Rating
from support.rating_buttons import rate_by_button
from support.services import change_status
from support.services.ratings import give_rating, rating_token, reopen_from_rating
from tests.factories import event_names, owner_of
from tests.factories_support import make_channel, make_chat, make_contact, make_message, make_ticket
from tests.pages import text_of


def resolved(ana, music, by, **fields):
    ticket = make_ticket(ana, music, status="open", assignee=by, assigned_at=timezone.now(), **fields)
    make_message(ticket, "Help", author=owner_of(ana))
    make_message(ticket, "Here it is", "out", author=by)
    change_status(ticket, "resolved", by=by)
    deliver_due()
    return ticket


@pytest.fixture
def rating(ana, music, sofia):
    return Rating.objects.get(ticket=resolved(ana, music, sofia))


def test_it_is_asked_once_and_names_who_is_rated(rating, sofia):
    deliver_due()
    assert Rating.objects.count() == 1 and rating.person == sofia
    mail = Mail.objects.get(subject__contains="how were you helped")
    assert mail.to == "ana@tributary.example" and mail.body.count("/rate/") == 5


def test_those_who_are_rated_do_not_find_the_links_among_the_mails(rating, mara, ada):
    mail = Mail.objects.get(subject__contains="how were you helped")
    assert not readable_mails(mara).filter(pk=mail.pk).exists()
    assert readable_mails(ada).filter(pk=mail.pk).exists()


def test_what_nobody_of_ours_answered_is_not_asked_about(ana, music, sofia):
    ticket = make_ticket(ana, music, status="open")
    make_message(ticket, "Never mind")
    change_status(ticket, "resolved", by=sofia)
    deliver_due()
    assert not Rating.objects.exists()


def test_a_scanner_s_look_at_the_link_changes_nothing(rating):
    url = f"/rate/{rating_token(rating, 1)}/"
    for method in (Client().get, Client().head):
        method(url)
    rating.refresh_from_db()
    assert rating.score is None
    assert "data-sends-itself" in Client().get(url).content.decode()


def test_one_click_of_a_person_records_it(rating):
    answer = Client().post(f"/rate/{rating_token(rating, 5)}/", {"score": "5"}, follow=True)
    rating.refresh_from_db()
    assert (rating.score, rating.via) == (5, "link")
    assert "Thank you" in text_of(answer) and "data-sends-itself" not in answer.content.decode()


def test_the_reason_comes_after_and_the_last_score_counts(rating):
    url = f"/rate/{rating_token(rating)}/"
    Client().post(url, {"score": "2"})
    Client().post(url, {"score": "2", "reason": "Took long"})
    Client().post(url, {"score": "4"})
    rating.refresh_from_db()
    assert (rating.score, rating.reason) == (4, "Took long")


def test_what_is_not_solved_goes_on_once(rating):
    url = f"/rate/{rating_token(rating)}/"
    for _n in range(2):
        Client().post(url, {"reopen": "1"})
    rating.ticket.refresh_from_db()
    assert (rating.ticket.status, rating.ticket.reopened) == ("open", 1)


@pytest.mark.parametrize("gone", ["member", "address"])
def test_who_does_not_belong_to_it_any_more_is_told_so_and_records_nothing(ana, music, sofia, gone):
    contact = make_contact(ana, email="ana@home.example", user=owner_of(ana) if gone == "member" else None)
    ticket = make_ticket(ana, music, channel=make_channel(music), contact=contact, status="open")
    make_message(ticket, "Help", contact=contact)
    make_message(ticket, "Here it is", "out", author=sofia)
    change_status(ticket, "resolved", by=sofia)
    deliver_due()
    rating = Rating.objects.get()
    url = f"/rate/{rating_token(rating, 5)}/"
    assert rating.sent_to == "ana@home.example" and Client().get(url).status_code == 200
    if gone == "member":
        ana.members.update(removed_at=timezone.now())
    else:
        contact.affiliate = None
        contact.save()

    looked, said = Client().get(url), Client().post(url, {"score": "5", "reopen": "1"})

    assert looked.status_code == said.status_code == 410
    assert "does not belong to you any more" in text_of(said)
    rating.refresh_from_db()
    assert (rating.score, rating.reopened_at, rating.ticket.status) == (None, None, "resolved")


def test_a_german_affiliate_is_asked_and_thanked_in_german(ana, music, sofia):
    ana.language = "de"
    ana.save()
    rating = Rating.objects.get(ticket=resolved(ana, music, sofia))
    mail = Mail.objects.get(to="ana@tributary.example")

    assert "Wie wurde Ihnen geholfen?" in mail.subject and "Sehr gut" in mail.body
    url = f"/rate/{rating_token(rating, 5)}/"
    assert "„Sehr gut“ senden" in text_of(Client().get(url))
    assert "Danke" in text_of(Client().post(url, {"score": "5"}, follow=True))


def test_a_forged_or_old_link_opens_nothing(rating):
    assert Client().get(f"/rate/{rating_token(rating)}x/").status_code == 404
    Rating.objects.update(closes_at=timezone.now() - timedelta(seconds=1))
    Client().post(f"/rate/{rating_token(rating)}/", {"score": "1"})
    rating.refresh_from_db()
    assert rating.score is None
    with pytest.raises(Refusal, match="Two weeks"):
        reopen_from_rating(rating)


@pytest.mark.parametrize("score", [0, 6, -1, None])
def test_no_other_score(rating, score):
    with pytest.raises(Refusal, match="one of the five"):
        give_rating(rating, score, via="link")


def test_in_the_chat_it_is_asked_and_given(rating, ana, as_person):
    client = as_person(ana)
    assert "How were you helped?" in text_of(client.get("/portal/help/music/"))
    client.post(f"/portal/help/rate/{rating.public_id}/", {"score": "3"})
    rating.refresh_from_db()
    assert (rating.score, rating.via) == (3, "portal")
    assert "How were you helped?" not in text_of(client.get("/portal/help/music/"))


class TestTelegram:
    @pytest.fixture
    def chat(self, music, ana):
        channel = make_channel(music, "telegram", secrets={"token": "1:x"})
        return make_chat(channel, make_contact(ana, telegram=77))

    @pytest.fixture
    def asked(self, ana, music, sofia, chat):
        return Rating.objects.get(ticket=resolved(ana, music, sofia, channel=chat.channel, chat=chat))

    def press(self, chat, data):
        return rate_by_button(Press(chat.channel, chat.contact, chat, data))

    def test_five_buttons_one_tap(self, asked, chat):
        sent = Outgoing.objects.get(key=f"rating:{asked.pk}")
        assert [b["callback_data"] for b in sent.payload["reply_markup"]["inline_keyboard"][0]] == [
            f"csat:{asked.pk}.{score}" for score in (5, 4, 3, 2, 1)
        ]
        self.press(chat, f"{asked.pk}.2")
        self.press(chat, f"{asked.pk}.4")
        asked.refresh_from_db()
        assert (asked.score, asked.via) == (4, "telegram")
        assert Outgoing.objects.filter(key=f"rating:{asked.pk}:thanks").count() == 1

    def test_the_same_tap_brought_twice_is_one(self, asked, chat):
        for _n in range(2):
            assert self.press(chat, f"{asked.pk}.5").text == "Thank you."
        asked.refresh_from_db()
        rated = asked.rated_at
        self.press(chat, f"{asked.pk}.5")
        asked.refresh_from_db()
        assert (asked.score, asked.rated_at) == (5, rated)
        assert event_names(asked).count("ticket.rated") == 1

    def test_a_tap_of_somebody_who_left_records_nothing(self, asked, chat):
        chat.contact.affiliate = None
        chat.contact.save()
        assert "does not belong to you any more" in self.press(chat, f"{asked.pk}.5").text
        asked.refresh_from_db()
        assert asked.score is None

    def test_not_solved_goes_on(self, asked, chat):
        self.press(chat, f"{asked.pk}.again")
        asked.ticket.refresh_from_db()
        assert asked.ticket.status == "open"

    @pytest.mark.parametrize("data", ["0.5", "x.5", "", "²."])
    def test_nonsense_is_quarantined(self, chat, data):
        with pytest.raises(Quarantine):
            self.press(chat, data)

    def test_another_chat_rates_nothing(self, asked, chat, bao):
        other = make_chat(chat.channel, make_contact(bao, telegram=78))
        with pytest.raises(Quarantine):
            self.press(other, f"{asked.pk}.1")
