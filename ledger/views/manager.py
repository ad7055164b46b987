"""The ledger as the team reads it: what each account holds, and every transfer between two of them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db.models import DecimalField, F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from affiliates.models import Affiliate
from core.access import Can, manager_required, programs_of, rights_of
from core.components import money_text
from core.ids import decode_id, encode_id
from core.listing import (
    ChoiceFilter,
    CodeColumn,
    Column,
    DateFilter,
    Empty,
    Listing,
    MoneyColumn,
    RelatedFilter,
    TimeColumn,
)
from ledger.models import Account, AccountKind, Transfer, TransferKind
from programs.models import Program
from programs.queries import several_programs, visible_programs

# What causes transfers, by the first word of their keys: the prefix of its public id, its name, and its page (reversals and adjustments have none).
CAUSES = {
    "commission": ("com", gettext_lazy("Commission"), "manage:commission_detail"),
    "reversal": ("rev", gettext_lazy("Refund of a commission"), ""),
    "payout": ("pay", gettext_lazy("Payout"), "manage:payout_detail"),
    "adjustment": ("adj", gettext_lazy("Adjustment of a payout"), ""),
}


@dataclass
class Sheet:
    """What a program's accounts of one currency hold."""

    program: Program
    currency: str
    held: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))

    @property
    def expense(self) -> Decimal:
        """All that was earned: what went out of the expense account."""
        return -self.held[AccountKind.EXPENSE]

    @property
    def owed(self) -> Decimal:
        return self.held[AccountKind.OWED]

    @property
    def in_payout(self) -> Decimal:
        return self.held[AccountKind.IN_PAYOUT]

    @property
    def paid_out(self) -> Decimal:
        return self.held[AccountKind.PAID_OUT]

    @property
    def difference(self) -> Decimal:
        return self.expense - self.owed - self.in_payout - self.paid_out

    @property
    def told(self) -> str:
        """How it balances, in words."""
        amounts = {
            name: money_text(amount, self.currency)
            for name, amount in (
                ("expense", self.expense),
                ("owed", self.owed),
                ("in_payout", self.in_payout),
                ("paid_out", self.paid_out),
                ("difference", self.difference),
            )
        }
        if self.difference:
            return _("It does not balance: %(difference)s of %(expense)s earned are neither owed, in payout nor paid.") % amounts
        return (
            _("%(expense)s were earned: %(owed)s are owed, %(in_payout)s are in payouts not paid yet, %(paid_out)s are paid.")
            % amounts
        )


def sheets(accounts: QuerySet[Account]) -> list[Sheet]:
    """One sheet for each program and currency, from all transfers in one reading: summed up by pairs of accounts, of which there
    are few, instead of account by account."""
    known = {account.pk: account for account in accounts.select_related("program")}
    found = {(a.program_id, a.currency): Sheet(a.program, a.currency) for a in known.values()}
    pairs = Transfer.objects.filter(debit__in=accounts).order_by().values_list("debit", "credit").annotate(total=Sum("amount"))
    for debit, credit, total in pairs:
        for pk, amount in ((debit, -total), (credit, total)):
            account = known[pk]
            found[account.program_id, account.currency].held[account.kind] += amount
    return sorted(found.values(), key=lambda sheet: (sheet.program.name, sheet.currency))


def visible_accounts(user: Any) -> QuerySet[Account]:
    programs = programs_of(user, Can.SEE_MONEY)
    return Account.objects.all() if programs is None else Account.objects.filter(program__in=programs)


def with_balance(accounts: QuerySet[Account]) -> QuerySet[Account]:
    """Annotate `balance`: what came in less what went out."""

    def sum_of(side: str) -> Coalesce:
        transfers = Transfer.objects.filter(**{side: OuterRef("pk")}).order_by().values(side)
        return Coalesce(Subquery(transfers.annotate(total=Sum("amount")).values("total")), 0, output_field=DecimalField())

    return accounts.annotate(balance=sum_of("credit") - sum_of("debit"))


@manager_required(Can.SEE_MONEY)
def ledger_list(request: HttpRequest) -> HttpResponse:
    context = {"sheets": sheets(visible_accounts(request.user)), "may_prove": rights_of(request.user).has(Can.APPROVE_PAYOUTS)}
    return _transfers(request).response("ledger/manager/ledger_list.html", context)


def _transfers(request: HttpRequest) -> Listing:
    programs = programs_of(request.user, Can.SEE_MONEY)
    transfers = Transfer.objects.select_related("debit__affiliate", "debit__program", "credit__affiliate", "credit__program")
    return Listing(
        request,
        transfers if programs is None else transfers.filter(debit__program__in=programs),
        name="ledger",
        caption=_("Transfers"),
        columns=[
            TimeColumn("at", _("When"), sort=True),
            Column("kind", _("What"), value=lambda t: TransferKind(t.kind).label),
            MoneyColumn("amount", _("Amount"), sort=True),
            Column(
                "affiliate", _("Affiliate"), value=lambda t: (t.debit.affiliate or t.credit.affiliate).name, url=_affiliate_url
            ),
            Column(
                "program",
                _("Program"),
                value="debit.program.name",
                shown=several_programs(request.user, Can.SEE_MONEY),
            ),
            Column("debit", _("From"), value=lambda t: AccountKind(t.debit.kind).label),
            Column("credit", _("To"), value=lambda t: AccountKind(t.credit.kind).label),
            Column("cause", _("Cause"), value=_cause, url=_cause_url),
            CodeColumn("key", _("Key"), shown=False),
        ],
        filters=[
            ChoiceFilter("kind", _("What"), choices=TransferKind),
            RelatedFilter(
                "program",
                _("Program"),
                field="debit__program",
                rows=lambda: visible_programs(request.user, Can.SEE_MONEY),
                param="slug",
            ),
            RelatedFilter(
                "affiliate", _("Affiliate"), rows=lambda: Affiliate.objects.visible_to(request.user), apply=_of_affiliate
            ),
            DateFilter("at", _("When")),
        ],
        tabs="kind",
        search=["key__exact", _by_cause],
        search_hint=_("Id of a commission or payout"),
        default_sort="-pk",
        empty=Empty(
            _("No transfers yet"),
            _("It starts with the first approved commission: from the program's expense to what is owed to its affiliate."),
            icon="scale",
        ),
    )


def _of_affiliate(transfers: QuerySet[Transfer], affiliate: Affiliate) -> QuerySet[Transfer]:
    return transfers.filter(Q(debit__affiliate=affiliate) | Q(credit__affiliate=affiliate))


def _affiliate_url(transfer: Transfer) -> str:
    affiliate = transfer.debit.affiliate or transfer.credit.affiliate
    return reverse("manage:affiliate_detail", args=[affiliate.public_id]) if affiliate else ""


def _cause(transfer: Transfer) -> str:
    """In words, with the id by which every page names it."""
    kind, number, *_step = transfer.key.split(":")
    prefix, name, _page = CAUSES[kind]
    return f"{name} {encode_id(prefix, int(number))}"


def _cause_url(transfer: Transfer) -> str:
    kind, number, *_step = transfer.key.split(":")
    prefix, _name, page = CAUSES[kind]
    return reverse(page, args=[encode_id(prefix, int(number))]) if page else ""


def _by_cause(text: str) -> Q | None:
    """Its transfers, by the public id; a payout has one for each of its steps."""
    for kind, (prefix, _name, _page) in CAUSES.items():
        if (number := decode_id(prefix, text)) is not None:
            return Q(key__in=[f"{kind}:{number}", *(f"{kind}:{number}:{step}" for step in TransferKind.values)])
    return None


@manager_required(Can.SEE_MONEY)
def account_list(request: HttpRequest) -> HttpResponse:
    """Every account with its balance."""
    return Listing(
        request,
        with_balance(visible_accounts(request.user)).select_related("program", "affiliate"),
        name="accounts",
        caption=_("Accounts"),
        columns=[
            Column(
                "holder", _("Of"), value=lambda a: str(a.affiliate or a.program), sort=[F("affiliate__name"), F("program__name")]
            ),
            Column("kind", _("Account"), value=lambda a: AccountKind(a.kind).label, sort=True),
            MoneyColumn("balance", _("Balance"), sort=True),
            Column(
                "program",
                _("Program"),
                value="program.name",
                sort="program__name",
                shown=several_programs(request.user, Can.SEE_MONEY),
            ),
        ],
        filters=[
            ChoiceFilter("kind", _("Account"), choices=AccountKind),
            RelatedFilter("program", _("Program"), rows=lambda: visible_programs(request.user, Can.SEE_MONEY), param="slug"),
            RelatedFilter("affiliate", _("Affiliate"), rows=lambda: Affiliate.objects.visible_to(request.user)),
        ],
        tabs="kind",
        search=["affiliate__name"],
        search_hint=_("Affiliate"),
        default_sort="-balance",
        row_url=_account_url,
        empty=Empty(_("No accounts yet"), _("They open with the first transfer."), icon="scale"),
    ).response("ledger/manager/account_list.html")


def _account_url(account: Account) -> str:
    """The transfers of the account's affiliate; a program's account has most of them."""
    path = reverse("manage:ledger_list")
    return f"{path}?affiliate={account.affiliate.public_id}" if account.affiliate else path
