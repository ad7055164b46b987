from django.apps import AppConfig


class LedgerConfig(AppConfig):
    name = "ledger"

    def ready(self) -> None:
        from django.utils.translation import gettext_lazy as _

        from core.access import Can
        from core.ui import register_menu

        register_menu("manager", _("Money"), _("Ledger"), "manage:ledger_list", "scale", 440, allowed=Can.SEE_MONEY)
