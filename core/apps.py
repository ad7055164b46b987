from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CoreConfig(AppConfig):
    name = "core"
    verbose_name = _("Events and mails")

    def ready(self) -> None:
        from core.access import Can
        from core.ui import register_menu

        register_menu(
            "manager",
            _("Settings"),
            _("Style"),
            "manage:style",
            "palette",
            890,
            allowed=Can.ADMINISTER,
            within="manage:settings_home",
            hint=_("Every piece that pages are built from."),
        )
