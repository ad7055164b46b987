"""Asking somebody who knows more: the owner stays in front, the clocks run, the answer comes back, and to and fro is seen."""

from datetime import timedelta

import pytest
from django.core import signing
from django.test import Client
from django.utils import timezone

from core.errors import Refusal
from core.models import Mail
from support.models import Cause, Escalation, Mention, Move
from support.services import change_status, merge_tickets, reply, undo_move
from support.services.escalations import (
    SALT,
    accept_escalation,
    answer_escalation,
    escalate,
    escalation_token,
    name_causes,
    propose_difficulty,
    sweep_acceptances,
    withdraw_escalation,
)
from tests.factories import make_affiliate, make_user
from tests.factories_support import make_message, make_ticket
from tests.pages import assert_same_queries, text_of

QUESTION = "Why did the postback of order 17 answer 401 although the token is right?"


@pytest.fixture
def ticket(music, ana, sofia):
    ticket = make_ticket(ana, music, status="open", assignee=sofia, assigned_at=timezone.now())
    make_message(ticket, "My postback fails")
    return ticket


@pytest.fixture
def asked(ticket, sofia, jun):
    return escalate(ticket, "engineer", QUESTION, by=sofia)


def test_the_owner_and_the_clocks_stay_as_they_are(ticket, asked, sofia):
    before = (ticket.assignee, ticket.next_reply_due, ticket.status)
    ticket.refresh_from_db()
    assert (ticket.assignee, ticket.next_reply_due, ticket.status) == before
    assert ticket.level == "engineer"
    assert asked.accept_due - asked.created_at == pytest.approx(timedelta(minutes=30), abs=timedelta(seconds=5))
    assert Mail.objects.get().to == "jun@tributary.example"


@pytest.mark.parametrize("question", ["", "please look", " " * 50])
def test_a_question_must_be_one(ticket, sofia, question):
    with pytest.raises(Refusal, match="something precise"):
        escalate(ticket, "engineer", question, by=sofia)


def test_nobody_without_the_right_asks_or_takes(ticket, asked, vera):
    with pytest.raises(Refusal):
        escalate(ticket, "engineer", QUESTION, by=vera, reason="more")
    with pytest.raises(Refusal):
        accept_escalation(asked, by=vera)


def test_the_answer_comes_back_as_a_note_and_calls_who_asked(ticket, asked, sofia, jun):
    accept_escalation(asked, by=jun)
    note = answer_escalation(asked, "The clock of the shop is wrong.", by=jun)

    ticket.refresh_from_db()
    assert (note.direction, note.author, ticket.level, ticket.assignee) == ("note", jun, "support", sofia)
    assert "The clock of the shop is wrong." in note.body_text
    assert list(Mention.objects.values_list("user", flat=True)) == [sofia.pk]


def test_once_taken_it_is_with_them(asked, jun, mara):
    accept_escalation(asked, by=jun)
    with pytest.raises(Refusal, match="Jun has it"):
        accept_escalation(asked, by=mara)


def test_a_second_hand_over_needs_a_reason_and_is_counted(ticket, asked, sofia, jun):
    with pytest.raises(Refusal, match="say why it goes further"):
        escalate(ticket, "traffic", QUESTION, by=jun)
    second = escalate(ticket, "traffic", QUESTION, by=jun, reason="The traffic, not the code")
    asked.refresh_from_db()
    assert (asked.status, second.number, second.previous) == ("passed_on", 2, asked)
    answer_escalation(second, "Bots.", by=sofia)
    with pytest.raises(Refusal, match="say why it goes further"):
        escalate(ticket, "engineer", QUESTION, by=sofia)


def test_whoever_was_asked_does_not_just_give_it_back(asked, jun):
    accept_escalation(asked, by=jun)
    with pytest.raises(Refusal, match="hand it on and say why"):
        withdraw_escalation(asked, by=jun)


def test_what_is_closed_takes_no_answer(asked, sofia, jun):
    withdraw_escalation(asked, by=sofia)
    with pytest.raises(Refusal, match="closed"):
        answer_escalation(asked, "Too late", by=jun)


def test_what_nobody_takes_in_time_is_told_once(asked, hana):
    assert sweep_acceptances() == 0
    Escalation.objects.update(accept_due=timezone.now() - timedelta(minutes=1))
    assert sweep_acceptances() == 1
    assert sweep_acceptances() == 0
    assert {"sofia@tributary.example", "hana@tributary.example"} <= set(Mail.objects.values_list("to", flat=True))


class TestExpert:
    """A company expert outside the team, with nothing but a link."""

    @pytest.fixture
    def expert(self, ticket, sofia):
        shown = make_message(ticket, "shown words")
        make_message(ticket, "hidden words")
        make_message(ticket, "secret note", "note", author=sofia)
        return escalate(
            ticket, "expert", QUESTION, by=sofia, expert_name="Lena", expert_email="lena@legal.example", shown=[shown]
        )

    def test_the_link_opens_the_question_and_what_was_chosen(self, expert, ana):
        text = text_of(Client().get(f"/questions/{escalation_token(expert)}/"))
        assert QUESTION in text and "shown words" in text
        assert "hidden words" not in text and "secret note" not in text and ana.name not in text

    def test_looking_at_it_takes_nothing_and_the_answer_comes_back(self, expert, sofia):
        url = f"/questions/{escalation_token(expert)}/"
        Client().get(url)
        expert.refresh_from_db()
        assert expert.status == "asked"
        for _twice in range(2):  # a page that is loaded again asks the browser to send it again
            taken = Client().post(url, {"take": "1", "answer": "Half of a"})
            assert "Sofia knows that you look into it" in text_of(taken) and b">Half of a</textarea>" in taken.content
        assert "Thank you" in text_of(Client().post(url, {"answer": "It is allowed in Germany."}))
        note = expert.ticket.messages.get(body_text__contains="allowed in Germany")
        assert note.direction == "note" and "Lena" in note.body_text
        assert Client().get(url).status_code == 410

    def test_it_expires_and_is_never_another_s(self, expert, asked_of_the_team):
        assert Client().get(f"/questions/{escalation_token(asked_of_the_team)}/").status_code == 404
        assert Client().get(f"/questions/{signing.dumps(expert.pk, salt='other')}/").status_code == 404
        assert Client().get(f"/questions/{signing.dumps('x', salt=SALT)}x/").status_code == 404
        Escalation.objects.update(link_until=timezone.now())
        answer = Client().post(f"/questions/{escalation_token(expert)}/", {"answer": "late"})
        assert answer.status_code == 410 and not expert.ticket.messages.filter(body_text__contains="late").exists()

    @pytest.fixture
    def asked_of_the_team(self, music, ana, sofia):
        return escalate(make_ticket(ana, music), "engineer", QUESTION, by=sofia)


def test_difficulty_is_confirmed_by_a_second_person(ticket, sofia, jun):
    propose_difficulty(ticket, 4, by=sofia)
    assert propose_difficulty(ticket, 4, by=sofia).confirmed_by is None
    assert propose_difficulty(ticket, 4, by=jun).confirmed_by == jun
    again = propose_difficulty(ticket, 2, by=jun)
    assert (again.value, again.proposed_by, again.confirmed_by) == (2, jun, None)


def test_repeats_of_one_cause_are_counted(music, ana, sofia, as_person):
    for _n in range(3):
        name_causes(make_ticket(ana, music), ["Shop clock wrong", " shop CLOCK wrong "], by=sofia)
    cause = Cause.objects.get()
    assert cause.tickets.count() == 3
    assert "Shop clock wrong 3" in text_of(as_person(sofia).get("/manage/inbox/causes/"))


def test_causes_are_of_one_program_and_of_nobody_elses(music, books, ana, sofia, nils, as_person):
    ours, theirs = make_ticket(ana, music), make_ticket(make_affiliate(), books)
    name_causes(ours, ["Shop clock wrong"], by=sofia)
    name_causes(theirs, ["shop clock WRONG", "Secret of books"], by=nils)

    assert list(ours.causes.values_list("program", flat=True)) == [music.pk]
    assert theirs.causes.count() == 2
    for page in ("/manage/inbox/causes/", f"/manage/inbox/{ours.public_id}/card/"):
        assert "Secret of books" not in text_of(as_person(sofia).get(page))


def test_what_was_mended_and_comes_back_is_counted_anew(music, ana, sofia, nils, as_person):
    first, second = make_ticket(ana, music), make_ticket(ana, music)
    [cause] = name_causes(first, ["Shop clock wrong"], by=sofia)
    as_person(sofia).post("/manage/inbox/causes/mend/", {"selected": [cause.pk]})
    cause.refresh_from_db()
    assert cause.mended_at is not None

    [again] = name_causes(second, ["Shop clock wrong"], by=sofia)

    assert again != cause and again.mended_at is None
    assert name_causes(first, ["Shop clock wrong"], by=sofia) == [cause]  # what the ticket has, it keeps


def test_the_ticket_shows_where_it_is_and_since_when(ticket, asked, sofia, jun, as_person):
    accept_escalation(asked, by=jun)
    text = text_of(as_person(sofia).get(f"/manage/inbox/{ticket.public_id}/card/"))
    assert "Technical engineer : Jun" in text or "Technical engineer: Jun" in text
    assert "since" in text


def test_asking_by_the_page_and_over_the_api(ticket, sofia, jun, as_person):
    client = as_person(sofia)
    assert client.get(f"/manage/inbox/{ticket.public_id}/escalate/").status_code == 200
    answer = client.post(f"/manage/inbox/{ticket.public_id}/escalate/", {"level": "engineer", "question": QUESTION})
    assert answer.status_code == 302
    escalation = Escalation.objects.get()
    client.post(f"/manage/inbox/escalations/{escalation.public_id}/accept/")
    client.post(f"/manage/inbox/escalations/{escalation.public_id}/answer/", {"answer": "Found it."})
    escalation.refresh_from_db()
    assert (escalation.status, escalation.answered_by) == ("answered", sofia)


def test_the_list_takes_as_many_queries_for_many(music, ana, sofia, as_person):
    def add():
        escalate(make_ticket(ana, music), "engineer", QUESTION, by=sofia, holder=None)
        Escalation.objects.create(
            ticket=make_ticket(ana, music),
            level="traffic",
            question=QUESTION,
            asked_by=make_user(),
            holder=make_user(),
            accept_due=timezone.now(),
        )

    add()
    assert_same_queries(as_person(sofia), "/manage/inbox/escalations/", lambda: [add() for _ in range(5)], most=16)


class TestResolving:
    """A resolved ticket asks nobody anything."""

    def test_ends_the_question_and_tells_whoever_works_on_it(self, ticket, asked, sofia, jun, as_person):
        accept_escalation(asked, by=jun)
        Mail.objects.all().delete()
        client = as_person(sofia)
        assert "resolving the ticket withdraws it" in text_of(client.get(f"/manage/inbox/{ticket.public_id}/"))

        answer = client.post(f"/manage/inbox/{ticket.public_id}/status/", {"status": "resolved"}, follow=True)

        assert f"Withdrawn, since the ticket is resolved: {QUESTION} (Jun)" in text_of(answer)
        ticket.refresh_from_db()
        assert (Escalation.objects.get().status, ticket.status, ticket.level) == ("withdrawn", "resolved", "support")
        told = Mail.objects.get()
        assert told.to == "jun@tributary.example" and QUESTION in told.body

    def test_by_many_at_once_and_by_a_reply_ends_it_too(self, ticket, asked, sofia, as_person):
        bulk = {"do": "resolved", "selected": [ticket.pk]}
        assert "Withdrawn, since" in text_of(as_person(sofia).post("/manage/inbox/bulk/", bulk, follow=True))
        assert not Escalation.objects.open().exists()
        tagged = as_person(sofia).post("/manage/inbox/bulk/", {"do": "tag", "tag": "later", "selected": [ticket.pk]}, follow=True)
        assert "1 ticket changed" in text_of(tagged) and "Withdrawn, since" not in text_of(tagged)

        change_status(ticket, "open", by=sofia)
        escalate(ticket, "traffic", QUESTION, by=sofia, reason="It is the traffic")
        reply(ticket, "Solved.", by=sofia, status="resolved")
        assert not Escalation.objects.open().exists()

    def test_an_expert_hears_of_it_and_their_link_says_so(self, ticket, sofia):
        expert = escalate(ticket, "expert", QUESTION, by=sofia, expert_name="Lena", expert_email="lena@legal.example")
        url = f"/questions/{escalation_token(expert)}/"
        change_status(ticket, "resolved", by=sofia, reason="Internal words")

        gone = Client().post(url, {"answer": "Late"})

        assert gone.status_code == 410 and "was withdrawn" in text_of(gone)
        told = Mail.objects.filter(to="lena@legal.example").latest("pk")
        assert "need not look into it" in told.body and "Internal words" not in told.body

    def test_asking_begins_with_an_open_ticket(self, ticket, sofia):
        change_status(ticket, "resolved", by=sofia)
        with pytest.raises(Refusal, match="open it first"):
            escalate(ticket, "engineer", QUESTION, by=sofia)

    def test_a_merge_takes_the_question_along_and_what_was_resolved_meanwhile_comes_back_without(
        self, ticket, asked, music, ana, sofia
    ):
        other = make_ticket(ana, music, status="open")
        make_message(other, "And another thing")
        merge_tickets(ticket, other, by=sofia)
        assert Escalation.objects.open().get().ticket == other

        change_status(other, "resolved", by=sofia)
        undo_move(Move.objects.get(), by=sofia)

        ticket.refresh_from_db()
        assert (ticket.escalations.get().status, ticket.status, ticket.level) == ("withdrawn", "open", "support")
