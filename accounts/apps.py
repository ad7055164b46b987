from django.apps import AppConfig
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

HOME = "manage:settings_home"


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("People and access")  # the sign-in library's section is called Accounts

    def ready(self) -> None:
        from accounts.events import register_facts
        from core.access import Can
        from core.ui import menu_within, register_menu

        def sees_settings(request: HttpRequest) -> bool:
            return bool(menu_within(request, "manager", HOME))

        register_facts()
        register_menu("manager", _("Team"), _("People"), "manage:team_list", "users-group", 640, allowed=Can.SEE_TEAM)
        settings = _("Settings")
        register_menu("manager", settings, settings, "manage:settings_home", "settings", 800, allowed=sees_settings)
        register_menu(
            "manager",
            settings,
            _("Mails"),
            "manage:mail_list",
            "mail",
            860,
            allowed=Can.MANAGE_AFFILIATES,
            within=HOME,
            hint=_("What was written to whom, and whether it was sent."),
        )
        register_menu(
            "manager",
            settings,
            _("API keys"),
            "manage:key_list",
            "key",
            870,
            allowed=Can.ADMINISTER,
            within=HOME,
            hint=_("Let your shop and other machines report sales and read numbers."),
        )
