from django.apps import AppConfig


class ReportsConfig(AppConfig):
    name = "reports"

    def ready(self) -> None:
        from django.utils.translation import gettext_lazy as _

        from affiliates.access import has_function
        from core.ui import register_card, register_menu
        from reports.cards import affiliate_card, program_card

        register_menu("manager", "", _("Home"), "manage:home", "home", 0)
        register_menu("portal", "", _("Home"), "portal:home", "home", 0, allowed=has_function)
        register_menu("portal", "", _("Numbers"), "portal:numbers", "chart-line", 330, allowed=has_function)
        register_card("program.top", "reports/manager/_program_card.html", 10, program_card)
        register_card("affiliate", "reports/manager/_affiliate_card.html", 10, affiliate_card)
