from django.apps import AppConfig
from django.http import HttpRequest


class PayoutsConfig(AppConfig):
    name = "payouts"

    def ready(self) -> None:
        from django.utils.translation import gettext_lazy as _

        from affiliates.access import has_function
        from affiliates.fields import register_fields
        from affiliates.models import Function
        from core.access import Can
        from core.mail import register_readers
        from core.ui import register_card, register_menu
        from payouts import receivers  # noqa: F401 — registers what this app listens to
        from payouts.cards import balances_card, commission_card, methods_card, payable_fields, payouts_card
        from payouts.events import register_facts
        from payouts.models import Payout, PayoutMethod

        register_facts()
        register_readers(Payout, lambda user: Payout.objects.visible_to(user))
        register_readers(PayoutMethod, lambda user: PayoutMethod.objects.visible_to(user))
        register_menu("manager", _("Money"), _("Payouts"), "manage:payout_list", "cash-banknote", 420, allowed=Can.SEE_MONEY)
        register_card("commission", "payouts/manager/_commission_card.html", 30, commission_card)

        def sees_money(request: HttpRequest) -> bool:
            return has_function(request, Function.FINANCE, Function.LEADER)

        register_menu("portal", "", _("Money"), "portal:money", "wallet", 400, allowed=sees_money)
        register_card("affiliate.top", "payouts/manager/_balances_card.html", 10, balances_card)
        register_card("affiliate", "payouts/manager/_payouts_card.html", 40, payouts_card)
        register_card("affiliate.side", "payouts/manager/_methods_card.html", 40, methods_card)
        register_fields(payable_fields, 40)
