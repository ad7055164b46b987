from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("People and access")  # the sign-in library's section is called Accounts

    def ready(self) -> None:
        from accounts.events import register_facts
        from core.access import Can
        from core.ui import register_menu

        register_facts()
        register_menu("manager", _("Team"), _("People"), "manage:team_list", "users-group", 800, allowed=Can.SEE_TEAM)
        register_menu("manager", _("Settings"), _("Mails"), "manage:mail_list", "mail", 860, allowed=Can.MANAGE_AFFILIATES)
        register_menu("manager", _("Settings"), _("API keys"), "manage:key_list", "key", 870, allowed=Can.ADMINISTER)
        register_menu("manager", _("Settings"), _("Settings"), "manage:settings_home", "settings", 880, allowed=Can.ADMINISTER)
