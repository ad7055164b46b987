"""What needs a member of the team now: each a sentence, since when, and the list in which it is settled.

Only what the reader can settle is asked for, and a question that nobody may ask costs no query.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Count, DecimalField, F, Min, OuterRef, Subquery, Sum
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from commissions.models import Commission, Decision
from core.access import Can, is_admin, programs_of, rights_of
from core.components import money_text, number_text
from payouts.models import BatchStatus, Payout, PayoutBatch, PayoutStatus
from payouts.previews import OPEN, due_without_batch
from programs.models import Program
from reports.needs_counted import Need, counted_needs, within
from support.queries.queue import MOST_COUNTED, warnings_of

OPEN_BATCHES = 10
LAST = ("unpriced", "stuck", "mails")  # of what is counted: for after the money


def needs_of(user: Any, programs: list[Program]) -> list[Need]:
    """In the order in which they are best settled. `programs`: those that the reader sees, with what their setup lacks."""
    rights = rights_of(user)
    needs = [*_setup(user, programs)]
    if rights.has(Can.ANSWER_TICKETS):
        needs += _tickets(user)
    counted = dict(counted_needs(user, programs))
    needs += [need for kind, need in counted.items() if kind not in LAST]
    if rights.has(Can.DECIDE_COMMISSIONS):
        needs += _commissions(user)
    if rights.has(Can.PREPARE_PAYOUTS):
        needs += _batches(user)
        needs += _payable(user, programs)
    return [*needs, *(counted[kind] for kind in LAST if kind in counted)]


def _setup(user: Any, programs: list[Program]) -> Iterator[Need]:
    """What a new program still lacks before it can earn anybody anything."""
    rights = rights_of(user)
    for program in programs:
        if program.status != Program.Status.ACTIVE:
            continue
        name = {"program": program.name}
        if not program.has_offer and rights.has(Can.MANAGE_PROGRAMS, program.pk):  # type: ignore[attr-defined]
            url = reverse("manage:offer_create", args=[program.slug])
            yield Need("tag", "decided", _("%(program)s has no offer yet") % name, url, _("Add an offer"))
        if not program.has_rule and rights.has(Can.SET_RULES, program.pk):  # type: ignore[attr-defined]
            url = reverse("manage:rule_create", args=[program.slug])
            yield Need(
                "percentage", "decided", _("%(program)s has no rule yet: it pays for nothing") % name, url, _("Add a rule")
            )
        if not program.has_affiliate and rights.has(Can.MANAGE_AFFILIATES, program.pk):  # type: ignore[attr-defined]
            url = reverse("manage:affiliate_create")
            yield Need("user-plus", "decided", _("%(program)s has no affiliate yet") % name, url, _("Add an affiliate"))


def _tickets(user: Any) -> Iterator[Need]:
    """Affiliates who wait longer than was promised, or soon will."""
    counts, url = warnings_of(user), reverse("manage:ticket_list")
    if counts.late:
        title = ngettext("%(number)s ticket is late", "%(number)s tickets are late", counts.late)
        yield Need("clock-exclamation", "stopped", title % {"number": _up_to(counts.late)}, url, _("Answer"))
    if counts.soon:
        title = ngettext("%(number)s ticket is about to be late", "%(number)s tickets are about to be late", counts.soon)
        yield Need("clock", "waiting", title % {"number": _up_to(counts.soon)}, url, _("Answer"))
    if counts.promises:
        title = ngettext("%(number)s promise of yours is due", "%(number)s promises of yours are due", counts.promises)
        url = f"{reverse('manage:promise_list')}?status=open&mine=yes"
        yield Need("heart-handshake", "waiting", title % {"number": _up_to(counts.promises)}, url, _("Keep"))


def _up_to(number: int) -> str:
    return f"{MOST_COUNTED}+" if number > MOST_COUNTED else number_text(number)


def _commissions(user: Any) -> Iterator[Need]:
    undecided = (
        Commission.objects.filter(within(user, Can.DECIDE_COMMISSIONS, "rule_version__rule__program"))
        .undecided()
        .exclude(reversed=F("amount"))
        .order_by()
        .values("decision", "currency")
        .annotate(number=Count("pk"), sum=Sum(F("amount") - F("reversed")), since=Min("occurred_at"))
    )
    rows = sorted(undecided, key=lambda row: row["currency"])
    for decision, icon, tone in ((Decision.PENDING, "receipt-2", "waiting"), (Decision.ON_HOLD, "hand-stop", "held")):
        mine = [row for row in rows if row["decision"] == decision]
        number = sum(row["number"] for row in mine)
        if not number:
            continue
        if decision == Decision.PENDING:
            title = ngettext("%(number)s commission to review", "%(number)s commissions to review", number)
        else:
            title = ngettext("%(number)s commission on hold", "%(number)s commissions on hold", number)
        yield Need(
            icon,
            tone,
            title % {"number": number_text(number)},
            f"{reverse('manage:commission_list')}?state={decision}",
            _("Review"),
            " · ".join(money_text(row["sum"], row["currency"]) for row in mine),
            min(row["since"] for row in mine),
        )


def _batches(user: Any) -> Iterator[Need]:
    """Batches under way: those that the reader can take a step further, and those that wait for another person."""
    rights = rights_of(user)
    paid = Payout.objects.filter(batch=OuterRef("pk"), status=PayoutStatus.READY).order_by().values("batch")
    batches = (
        PayoutBatch.objects.filter(
            within(user, Can.PREPARE_PAYOUTS, "program"),
            status__in=OPEN,
        )
        .select_related("program", "created_by")
        .annotate(
            total=Coalesce(Subquery(paid.annotate(sum=Sum("amount")).values("sum")), 0, output_field=DecimalField()),
            number=Coalesce(Subquery(paid.annotate(number=Count("pk")).values("number")), 0),
        )
        .order_by("pk")[:OPEN_BATCHES]
    )
    for batch in batches:
        yield _batch(batch, batch.created_by_id == user.pk, rights.has(Can.APPROVE_PAYOUTS, batch.program_id))


def _batch(batch: Any, own: bool, may_approve: bool) -> Need:
    url = reverse("manage:batch_detail", args=[batch.public_id])
    name = {"program": batch.program.name, "person": batch.created_by}
    detail = ngettext("%(sum)s to %(number)s affiliate", "%(sum)s to %(number)s affiliates", batch.number) % {
        "sum": money_text(batch.total, batch.currency),
        "number": number_text(batch.number),
    }
    if batch.status == BatchStatus.COMPUTING:
        return Need("loader-2", "waiting", _("Payout of %(program)s is being computed") % name, url, since=batch.created_at)
    if batch.status == BatchStatus.DRAFT and not batch.number:
        title = _("Payout of %(program)s has nothing to pay: cancel it") % name
        return Need("circle-minus", "waiting", title, url, _("Look"), since=batch.created_at)
    if batch.status == BatchStatus.DRAFT and may_approve and not own:
        title = _("Payout of %(program)s to approve, made by %(person)s") % name
        return Need("circle-check", "waiting", title, url, _("Approve"), detail, batch.created_at)
    if batch.status == BatchStatus.DRAFT:
        title = _("Payout of %(program)s waits for approval by another person") % name
        return Need("clock", "neutral", title, url, "", detail, batch.created_at)
    if batch.status == BatchStatus.EXECUTING:
        title = _("Payout of %(program)s is being paid: say when the money has left") % name
        return Need("building-bank", "waiting", title, url, _("Mark as paid") if may_approve else "", detail, batch.approved_at)
    title = _("Payout of %(program)s is approved: the money can leave") % name
    return Need("building-bank", "decided", title, url, _("Pay") if may_approve else "", detail, batch.approved_at)


def _payable(user: Any, programs: list[Program]) -> Iterator[Need]:
    """Money that could leave and that nobody has put into a batch."""
    names = {program.pk: program for program in programs}
    for due in due_without_batch(programs_of(user, Can.PREPARE_PAYOUTS)):
        if (program := names.get(due.program)) is None:
            continue
        title = ngettext(
            "%(sum)s payable to %(number)s affiliate of %(program)s",
            "%(sum)s payable to %(number)s affiliates of %(program)s",
            due.affiliates,
        ) % {
            "sum": money_text(due.amount, due.currency),
            "number": number_text(due.affiliates),
            "program": program.name,
        }
        detail = ""
        if due.waiting:
            detail = ngettext("%(number)s more has no payout method", "%(number)s more have no payout method", due.waiting)
            detail %= {"number": number_text(due.waiting)}
        url = f"{reverse('manage:batch_create')}?{urlencode({'program': program.slug, 'currency': due.currency})}"
        yield Need("coin", "ready", title, url, _("Prepare a batch"), detail)


def mails_note(user: Any) -> SafeString | None:
    """For admins, where no mail server is set: mails are kept, and where they are read."""
    if settings.MAIL_SERVER is not None or not is_admin(user):
        return None
    return format_html(
        '{} <a href="{}">{}</a>',
        _("No mail server is set: mails are kept here and sent to nobody."),
        reverse("manage:mail_list"),
        _("Read them"),
    )
