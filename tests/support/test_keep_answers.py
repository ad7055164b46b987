"""What somebody who knows more has answered becomes a macro or an article by one click, and says where it came from."""

import pytest
from django.urls import reverse
from django.utils import timezone

from core.errors import Refusal
from knowledge.models import Article
from support.models import Macro
from support.services.escalations import answer_escalation, escalate
from support.services.keeping import keep_answer
from tests.factories import event_names
from tests.factories_support import make_message, make_ticket
from tests.pages import text_of

QUESTION = "Why did the postback of order 17 answer 401 although the token is right?"
ANSWER = "The token belongs to the test program. Take the one under Keys."


@pytest.fixture
def ticket(music, ana, sofia):
    ticket = make_ticket(ana, music, status="open", assignee=sofia, assigned_at=timezone.now())
    make_message(ticket, "My postback fails")
    return ticket


@pytest.fixture
def asked(ticket, sofia, jun):
    return escalate(ticket, "engineer", QUESTION, by=sofia)


@pytest.fixture
def answered(asked, jun):
    answer_escalation(asked, ANSWER, by=jun)
    asked.refresh_from_db()
    return asked


def test_an_answer_becomes_a_macro_that_is_not_in_use_until_somebody_has_read_it(as_person, sofia, answered, music):
    client = as_person(sofia)
    assert "As a macro" in text_of(client.get(reverse("manage:ticket_card", args=[answered.ticket.public_id])))

    response = client.post(reverse("manage:escalation_keep", args=[answered.public_id]), {"as": "macro"})

    macro = Macro.objects.get()
    assert response["Location"] == reverse("manage:macro_edit", args=[macro.public_id])
    assert (macro.name, macro.program, macro.is_active) == (QUESTION, music, False)
    assert macro.variants.get().text == ANSWER
    assert ANSWER in text_of(client.get(response["Location"]))
    assert QUESTION in text_of(client.get(reverse("manage:macro_detail", args=[macro.public_id])))
    told = text_of(client.get(reverse("manage:ticket_card", args=[answered.ticket.public_id])))
    assert "Kept as" in told and "As a macro" not in told
    assert event_names(answered)[-1] == "escalation.kept"


def test_an_answer_becomes_an_article_for_the_team_alone(as_person, mara, answered):
    response = as_person(mara).post(reverse("manage:escalation_keep", args=[answered.public_id]), {"as": "article"})

    article = Article.objects.get()
    assert response["Location"] == reverse("manage:article_edit", args=[article.public_id])
    assert (article.title, article.text, article.audience, article.status) == (QUESTION, ANSWER, "team", "draft")
    assert QUESTION in text_of(as_person(mara).get(reverse("manage:article_detail", args=[article.public_id])))


def test_it_is_kept_once_and_only_when_it_was_answered(asked, jun, sofia, vera):
    with pytest.raises(Refusal, match="no answer yet"):
        keep_answer(asked, "macro", by=sofia)
    answer_escalation(asked, ANSWER, by=jun)
    with pytest.raises(Refusal):
        keep_answer(asked, "macro", by=vera)
    with pytest.raises(Refusal, match="macro or as an article"):
        keep_answer(asked, "song", by=sofia)

    assert keep_answer(asked, "macro", by=sofia) == keep_answer(asked, "article", by=jun)
    assert (Macro.objects.count(), Article.objects.count()) == (1, 0)


def test_the_same_question_twice_makes_two_macros(answered, sofia, jun):
    again = escalate(answered.ticket, "engineer", QUESTION, by=sofia, reason="It came back")
    answer_escalation(again, ANSWER, by=jun)

    assert keep_answer(answered, "macro", by=sofia) != keep_answer(again, "macro", by=sofia)
