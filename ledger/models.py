"""Accounts and transfers: double entry in its simplest form, balanced by construction."""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from affiliates.models import Affiliate
from core.models import TimestampedModel
from core.money import CurrencyField, MoneyField
from programs.models import Program

append_only = [
    pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
    pgtrigger.Trigger(
        name="no_truncate",
        when=pgtrigger.Before,
        level=pgtrigger.Statement,
        operation=pgtrigger.Truncate,
        func="RAISE EXCEPTION 'the ledger is append-only';",
    ),
]


class AccountKind(models.TextChoices):
    """Program accounts: expense, paid_out. Affiliate accounts: owed, in_payout."""

    EXPENSE = "expense", _("Commission expense")
    PAID_OUT = "paid_out", _("Paid out")
    OWED = "owed", _("Owed to the affiliate")
    IN_PAYOUT = "in_payout", _("In payout")


class Account(models.Model):
    """One pot in one currency. Its balance is what came in (credit) less what went out (debit), derived from its transfers."""

    program = models.ForeignKey(Program, models.PROTECT, related_name="+")
    affiliate = models.ForeignKey(Affiliate, models.PROTECT, null=True, blank=True, related_name="+")
    kind = models.CharField(max_length=10, choices=AccountKind)
    currency = CurrencyField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["program", "affiliate", "kind", "currency"], nulls_distinct=False, name="account_once"
            ),
            models.UniqueConstraint(
                fields=["id", "currency"], name="account_currency"
            ),  # what transfers' composite keys point at
            models.CheckConstraint(
                condition=Q(kind__in=["owed", "in_payout"], affiliate__isnull=False)
                | Q(kind__in=["expense", "paid_out"], affiliate__isnull=True),
                name="account_owner_fits_kind",
            ),
        ]
        triggers = append_only

    def __str__(self) -> str:
        return f"{self.get_kind_display()} · {self.affiliate or self.program} · {self.currency}"


class TransferKind(models.TextChoices):
    EARNED = "earned", _("Commission approved")
    REVERSED = "reversed", _("Commission reversed")
    RESERVED = "reserved", _("Taken into a payout")
    RELEASED = "released", _("Released from a payout")
    PAID = "paid", _("Paid")
    ADJUSTED = "adjusted", _("Owed by a decision")


class Transfer(TimestampedModel):
    """An amount that went from one account to another: appended, never changed. `key` names its cause, once for ever."""

    debit = models.ForeignKey(Account, models.PROTECT, related_name="debits")
    credit = models.ForeignKey(Account, models.PROTECT, related_name="credits")
    amount = MoneyField()
    currency = CurrencyField()
    kind = models.CharField(max_length=10, choices=TransferKind)
    key = models.CharField(max_length=60, unique=True)  # "commission:17", "reversal:4", "payout:9:paid", "adjustment:2"
    at = models.DateTimeField()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="transfer_amount_positive"),
            models.CheckConstraint(condition=~Q(debit=F("credit")), name="transfer_between_two_accounts"),
        ]
        triggers = append_only

    def __str__(self) -> str:
        return f"{self.key}: {self.amount} {self.currency}"
