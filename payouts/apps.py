from django.apps import AppConfig
from django.http import HttpRequest


class PayoutsConfig(AppConfig):
    name = "payouts"

    def ready(self) -> None:
        from django.utils.translation import gettext_lazy as _

        from affiliates.access import has_function
        from affiliates.models import Function
        from core.ui import register_menu
        from payouts import receivers  # noqa: F401 — registers what this app listens to

        def sees_money(request: HttpRequest) -> bool:
            return has_function(request, Function.FINANCE, Function.LEADER)

        register_menu("portal", "", _("Money"), "portal:money", "wallet", 400, allowed=sees_money)
