from django.apps import AppConfig


class CommissionsConfig(AppConfig):
    name = "commissions"

    def ready(self) -> None:
        from django.utils.translation import gettext_lazy as _

        from affiliates.access import has_function
        from affiliates.fields import register_fields
        from commissions.cards import conversion_card
        from commissions.cards_affiliate import conversions_card, recent_fields
        from commissions.cards_program import public_rates_card, public_tile, rule_step, rules_card
        from commissions.events import register_facts
        from core.access import Can
        from core.ui import register_card, register_menu

        register_facts()
        register_menu("manager", _("Money"), _("Commissions"), "manage:commission_list", "receipt-2", 410, allowed=Can.SEE_MONEY)
        register_menu("portal", "", _("Offers"), "portal:offer_list", "building-store", 310, allowed=has_function)
        register_menu(
            "portal",
            "",
            _("Conversions"),
            "portal:conversion_list",
            "shopping-cart",
            335,
            allowed=has_function,
            within="portal:numbers",
        )
        register_card("conversion", "commissions/manager/_conversion_card.html", 30, conversion_card)
        register_menu("manager", _("Programs"), _("Rules"), "manage:rule_list", "percentage", 220, allowed=Can.SEE_MONEY)
        register_card("affiliate", "commissions/manager/_conversions_card.html", 30, conversions_card)
        register_card("program", "commissions/manager/_rules_card.html", 20, rules_card)
        register_card("program.steps", "commissions/manager/_rule_step.html", 20, rule_step)
        register_card("public_program", "commissions/public/_rates_card.html", 20, public_rates_card)
        register_card("public_program.tile", "commissions/public/_tile.html", 20, public_tile)
        register_fields(recent_fields, 30)
