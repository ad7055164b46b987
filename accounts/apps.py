from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from django.utils.translation import gettext_lazy as _

        from accounts.events import register_facts
        from core.access import Can, rights_of
        from core.ui import register_menu

        register_facts()
        register_menu(
            "manager",
            _("Team"),
            _("People"),
            "manage:team_list",
            "users-group",
            800,
            allowed=lambda request: rights_of(request.user).has(Can.SEE_TEAM),
        )
        register_menu(
            "manager",
            _("Settings"),
            _("Mails"),
            "manage:mail_list",
            "mail",
            900,
            allowed=lambda request: rights_of(request.user).has(Can.MANAGE_AFFILIATES),
        )
        register_menu(
            "manager",
            _("Settings"),
            _("API keys"),
            "manage:key_list",
            "key",
            910,
            allowed=lambda request: rights_of(request.user).has(Can.ADMINISTER),
        )
        register_menu(
            "manager",
            _("Settings"),
            _("Settings"),
            "manage:settings_home",
            "settings",
            920,
            allowed=lambda request: rights_of(request.user).has(Can.ADMINISTER),
        )
