from django.apps import AppConfig


class TeamConfig(AppConfig):
    name = "team"

    def ready(self) -> None:
        from django.utils.translation import gettext_lazy as _

        from core.access import Can
        from core.ui import register_menu
        from team.events import register_facts

        register_facts()
        register_menu(
            "manager", _("Settings"), _("Calendars"), "manage:calendar_list", "calendar-time", 820, allowed=Can.SET_INBOX
        )
