"""A filter of a range of amounts."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field as attribute
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db.models import Q
from django.http import QueryDict
from django.utils.translation import gettext as _

from core.components import number_text
from core.filters import Filter

MOST = Decimal(10) ** 15  # what a MoneyField holds


@dataclass(frozen=True)
class AmountFilter(Filter):
    """From and to an amount, both included, whatever the currency; "12,50" is read as well as "12.50"."""

    template: str = attribute(default="commissions/manager/_amount_filter.html", init=False)

    @property
    def names(self) -> list[str]:
        return [f"{self.key}_min", f"{self.key}_max"]

    def read(self, params: QueryDict) -> Any:
        least, most = (_amount(params.get(name, "")) for name in self.names)
        return None if least is None and most is None else (least, most)

    def condition(self, value: tuple[Decimal | None, Decimal | None]) -> Q:
        least, most = value
        lookup = self.field or self.key
        return Q(**({f"{lookup}__gte": least} if least is not None else {})) & Q(
            **({f"{lookup}__lte": most} if most is not None else {})
        )

    def told(self, value: tuple[Decimal | None, Decimal | None]) -> str:
        least, most = value
        if least is not None and most is not None:
            return f"{number_text(least)} – {number_text(most)}"
        if least is not None:
            return _("from %(amount)s") % {"amount": number_text(least)}
        return _("up to %(amount)s") % {"amount": number_text(most)}

    def widget(self, value: Any) -> dict[str, Any]:
        least, most = value or (None, None)
        return {"least": _plain(least), "most": _plain(most), "min_name": self.names[0], "max_name": self.names[1]}


def _amount(text: str) -> Decimal | None:
    try:
        amount = Decimal(text.strip().replace(",", "."))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and 0 <= amount < MOST else None


def _plain(amount: Decimal | None) -> str:
    return "" if amount is None else f"{amount:f}"
