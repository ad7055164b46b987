from django.apps import AppConfig


class CommissionsConfig(AppConfig):
    name = "commissions"

    def ready(self) -> None:
        from django.utils.translation import gettext_lazy as _

        from affiliates.access import has_function
        from commissions.cards import conversion_card
        from commissions.events import register_facts
        from core.access import Can
        from core.ui import register_card, register_menu

        register_facts()
        register_menu(
            "manager", _("Money"), _("Commissions"), "manage:commission_list", "receipt-2", 410, allowed=Can.SEE_MONEY
        )
        register_menu("portal", "", _("Offers"), "portal:offer_list", "building-store", 310, allowed=has_function)
        register_menu("portal", "", _("Conversions"), "portal:conversion_list", "shopping-cart", 320, allowed=has_function)
        register_card("conversion", "commissions/manager/_conversion_card.html", 30, conversion_card)
