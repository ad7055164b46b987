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
            "manager",
            _("Settings"),
            _("Calendars"),
            "manage:calendar_list",
            "calendar-time",
            820,
            allowed=Can.SET_INBOX,
            within="manage:settings_home",
            hint=_("When somebody is there: the hours that service levels count by."),
        )
        team = _("Team")
        register_menu("manager", team, _("Roster"), "manage:roster", "calendar-week", 600, allowed=Can.SEE_TEAM)
        register_menu(
            "manager", team, _("My shifts"), "manage:my_shifts", "calendar-user", 601, allowed=Can.SEE, within="manage:roster"
        )
        register_menu(
            "manager", team, _("Absences"), "manage:absence_list", "beach", 602, allowed=Can.SEE, within="manage:roster"
        )
