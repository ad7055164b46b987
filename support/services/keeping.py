"""What was found out once is there for the next one: the answer to a question becomes a macro or an article, by one click."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from core.access import Can, check, rights_of
from core.events import record, ref
from knowledge.models import Article
from knowledge.services import create_article
from support import events
from support.errors import NotNow, TicketError
from support.models import Escalation, Macro
from support.services.macros import Words, create_macro

LONGEST_NAME = 120


@transaction.atomic
def keep_answer(escalation: Escalation, kind: str, *, by: User) -> Macro | Article:
    """A draft made of the answer: a macro that is not in use yet, or an article for the team that is not published. Whoever
    clicked makes it fit for its readers. Once: what was kept already is returned as it is."""
    check(by, Can.ANSWER_TICKETS, escalation.ticket.program_id)
    escalation = Escalation.objects.select_for_update(of=("self",)).select_related("ticket__program").get(pk=escalation.pk)
    if escalation.status != Escalation.Status.ANSWERED:
        raise NotNow(_("There is no answer yet that could be kept."), code="not_answered")
    if (kept := kept_of(escalation)) is not None:
        return kept
    if kind == "macro":
        kept = _macro(escalation, by)
    elif kind == "article":
        kept = _article(escalation, by)
    else:
        raise TicketError(_("Keep it as a macro or as an article."), code="invalid_choice", field="as")
    escalation.kept_as = ref(kept)
    escalation.save(update_fields=["kept_as"])
    data = {"number": escalation.number, "name": str(kept)}
    record(events.ESCALATION_KEPT, escalation, escalation.ticket, kept, by=by, data=data)
    return kept


def kept_of(escalation: Escalation) -> Macro | Article | None:
    """What was made of the answer, if it is there still."""
    kind, _colon, pk = escalation.kept_as.partition(":")
    if not pk:
        return None
    found: Macro | Article | None = (
        Macro.objects.filter(pk=pk).first() if kind == "macro" else Article.objects.defer("search").filter(pk=pk).first()
    )
    return found


def may_keep(user: User, escalation: Escalation) -> dict[str, bool]:
    rights, program = rights_of(user), escalation.ticket.program_id
    answers = rights.has(Can.ANSWER_TICKETS, program)
    return {"macro": answers, "article": answers and rights.has(Can.WRITE_ARTICLES, program)}


def _macro(escalation: Escalation, by: User) -> Macro:
    program = escalation.ticket.program
    name = title = _title(escalation)
    taken = Macro.objects.filter(program=program, name__startswith=title)
    if taken.filter(name=title).exists():
        name = f"{title[: LONGEST_NAME - 12]} ({escalation.public_id[-9:]})"
    return create_macro(by=by, name=name, program=program, variants=[Words(escalation.answer, "", "")], is_active=False)


def _article(escalation: Escalation, by: User) -> Article:
    """For the team: it was answered to a colleague, and may name what no affiliate should read."""
    return create_article(
        by=by,
        title=_title(escalation),
        text=escalation.answer,
        audience=Article.Audience.TEAM,
        is_public=False,
        program=escalation.ticket.program,
        language="en",
    )


def _title(escalation: Escalation) -> str:
    return " ".join(escalation.question.split())[:LONGEST_NAME]
