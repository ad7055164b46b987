"""Giving answers that answer themselves, and hearing whether they were enough."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from affiliates.models import AffiliateMember
from channels.models import Channel
from programs.models import Program
from support.answers import Answer, Asker, Question, answer
from support.errors import TicketError
from support.models import Message
from support.models.answers import AutoAnswer
from support.services.portal import write_in_portal


@transaction.atomic
def give_answer(
    question: Question, member: AffiliateMember, program: Program | None, *, channel_kind: str = Channel.Kind.PORTAL
) -> tuple[AutoAnswer, Answer]:
    """The answer for this person of an affiliate, from the data of now. NotForYou where their functions do not open it."""
    asker = Asker(member.affiliate, frozenset(member.functions), program)
    found = answer(question, asker)
    given = AutoAnswer.objects.create(
        question=question, affiliate=member.affiliate, user=member.user, program=program, channel_kind=channel_kind
    )
    return given, found


@transaction.atomic
def settle_answer(given: AutoAnswer, outcome: str, *, text: str = "") -> Message | None:
    """It was enough, or a person is wanted: then the question goes to the program's people, in the words of whoever asked
    where there are some. Said once; a second word changes nothing, but whoever was content may still ask for a person."""
    given = AutoAnswer.objects.select_for_update(of=("self",)).select_related("affiliate", "user", "program").get(pk=given.pk)
    if outcome not in AutoAnswer.Outcome.values:
        raise TicketError(_("Say whether it helped."), code="invalid", field="outcome")
    if given.outcome in (outcome, AutoAnswer.Outcome.PERSON):
        return None
    given.outcome, given.settled_at = outcome, timezone.now()
    given.save(update_fields=["outcome", "settled_at"])
    if outcome == AutoAnswer.Outcome.HELPED or given.program is None or given.channel_kind != Channel.Kind.PORTAL:
        return None
    return write_in_portal(given.affiliate, given.program, text.strip() or str(Question(given.question).label), author=given.user)
