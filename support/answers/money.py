"""When do I get my money: the state of each amount, when its hold ends, what the next payout takes, and what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import median

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from affiliates.models import Enrollment, Function
from core.components import day_text, money_text, number_text
from payouts.models import BatchStatus, PayoutBatch, PayoutException
from payouts.prospects import Prospect, prospects
from payouts.queries import Balance, balances
from programs.models import Program
from support.answers.shapes import Answer, Asker, Fact, Question, Section, Way

ROUNDS = 4  # payouts of a program from which its rhythm is read


def about_money(asker: Asker, now: datetime) -> Answer:
    programs = working_programs(asker)
    methods = list(asker.affiliate.payout_methods.current())
    owed = prospects(asker.affiliate.pk, programs, methods, now)
    by_state = {program.pk: balances(asker.affiliate.pk, programs=[program.pk], now=now) for program in programs}
    rounds = _rounds(programs)
    sections = [
        _section(each, _balance(by_state[each.program.pk], each.currency), rounds, asker, now, len(programs) > 1) for each in owed
    ]
    if not sections:
        told = _("You are in no program yet in which something could be earned.")
        sections = [Section("", sentences=[told])]
    ways = [Way(_("All amounts and statements"), "portal:money")]
    if asker.has(Function.FINANCE) and any(each.method is None for each in owed):
        ways.insert(0, Way(_("Set where you are paid"), "portal:payout_method"))
    return Answer(Question.MONEY, _("When you get your money"), sections, ways, at=now)


def working_programs(asker: Asker) -> list[Program]:
    """Those that the affiliate works in or did, by name; the one that was asked about."""
    enrollments = Enrollment.objects.working().filter(affiliate=asker.affiliate).select_related("program")
    if asker.program is not None:
        enrollments = enrollments.filter(program=asker.program)
    return [enrollment.program for enrollment in enrollments.order_by("program__name")]


def _balance(balances: Sequence[Balance], currency: str) -> Balance:
    return next((balance for balance in balances if balance.currency == currency), Balance(currency))


def _section(
    owed: Prospect, balance: Balance, rounds: dict[tuple[int, str], list[datetime]], asker: Asker, now: datetime, named: bool
) -> Section:
    facts = [
        Fact(_("Pending"), money_text(balance.pending, owed.currency), _("the program has yet to check it"), "pending"),
        Fact(_("Approved"), money_text(owed.on_its_way, owed.currency), _hold(owed), "approved"),
        Fact(_("Payable"), money_text(owed.payable, owed.currency), _payable_note(owed), "payable"),
    ]
    if owed.preparing:
        told = _("you get a mail once it has been paid")
        facts.append(Fact(_("In a payout that is being prepared"), money_text(owed.preparing, owed.currency), told, "in_payout"))
    paid = _("last on %(day)s") % {"day": _day(owed.paid_at, owed.program)} if owed.paid_at else _("nothing so far")
    facts.append(Fact(_("Paid"), money_text(balance.paid, owed.currency), paid, "paid"))
    title = owed.program.name if named else ""
    return Section(
        title, facts, [*_missing(owed, asker, now), *_next_round(owed, rounds.get((owed.program.pk, owed.currency), []))]
    )


def _hold(owed: Prospect) -> str:
    if owed.next_at:
        return _("waits until returns are over; the next of it becomes payable on %(day)s") % {"day": _day(owed.next_at)}
    return _("nothing waits in its hold")


def _payable_note(owed: Prospect) -> str:
    if owed.payable < 0:
        return _("refunds after payment; set off against what you earn next")
    return _("the next payout takes it") if owed.due and owed.payable else _("nothing yet") if not owed.payable else ""


def _missing(owed: Prospect, asker: Asker, now: datetime) -> list[str]:
    """What stands between the affiliate and the next payout, each with what to do about it."""
    told = {
        PayoutException.NOT_APPROVED: _(
            "You are suspended in this program: what you earned is kept, and paid once that is resolved."
        ),
        PayoutException.NOT_POSITIVE: _("There is nothing payable to take along yet.") if not owed.payable else "",
        PayoutException.BELOW_MINIMUM: _(
            "Missing: %(short)s until the minimum of %(minimum)s. Nothing is lost, it is carried on."
        )
        % {"short": money_text(owed.short, owed.currency), "minimum": money_text(owed.minimum, owed.currency)},
        PayoutException.NO_METHOD: _("Missing: a payout method in %(currency)s. Without one nothing can be paid.")
        % {"currency": owed.currency},
        PayoutException.METHOD_COOLING_OFF: "",
    }
    sentences = [told[PayoutException(each)] for each in owed.exceptions]
    if PayoutException.NO_METHOD in owed.exceptions and not asker.has(Function.FINANCE):
        sentences.append(_("An owner or a finance person of your account can set one."))
    if owed.method is not None and owed.method.usable_from > now:
        sentences.append(
            _("%(method)s is used from %(day)s on; a payout before then waits for the next one.")
            % {"method": owed.method, "day": _day(owed.method.usable_from)}
        )
    if not owed.exceptions:
        sentences.append(
            _("Nothing is missing: the program’s next payout takes %(amount)s.")
            % {"amount": money_text(owed.payable, owed.currency)}
        )
    return [sentence for sentence in sentences if sentence]


def _rounds(programs: Sequence[Program]) -> dict[tuple[int, str], list[datetime]]:
    """When each program last paid, newest first: at most ROUNDS a program and currency. One statement."""
    paid: dict[tuple[int, str], list[datetime]] = {}
    since = timezone.now() - timedelta(days=400)
    done = PayoutBatch.objects.filter(program__in=programs, status=BatchStatus.DONE, paid_at__gte=since).order_by("-paid_at")
    for program, currency, at in done.values_list("program_id", "currency", "paid_at")[:200]:
        if at is not None and len(paid.setdefault((program, currency), [])) < ROUNDS:
            paid[program, currency].append(at)
    return paid


def _next_round(owed: Prospect, paid: list[datetime]) -> list[str]:
    """When the next payout may be expected, as far as the last ones tell: people prepare them, no calendar does."""
    if not paid:
        return [
            _("The program has not paid in %(currency)s in the last year: a person prepares each payout.")
            % {"currency": owed.currency}
        ]
    last = _("The program last paid on %(day)s.") % {"day": _day(paid[0], owed.program)}
    if len(paid) < 3:
        return [last]
    days = round(median((later - earlier).total_seconds() for later, earlier in zip(paid, paid[1:], strict=False)) / 86400)
    if days < 1:
        return [last]
    rhythm = ngettext(
        "Its last payouts came about a day apart; that is what they did, not a promise.",
        "Its last payouts came about %(days)s days apart; that is what they did, not a promise.",
        days,
    ) % {"days": number_text(days)}
    return [f"{last} {rhythm}"]


def _day(at: datetime, program: Program | None = None) -> str:
    """In the reader's zone; a payment's in the program's, as its statement and its mail say it."""
    return day_text((at.astimezone(program.zone) if program else timezone.localtime(at)).date())
