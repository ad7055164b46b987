from django.apps import AppConfig


class ProgramsConfig(AppConfig):
    name = "programs"

    def ready(self) -> None:
        from django.utils.translation import gettext_lazy as _

        from core.access import Can
        from core.ui import register_menu
        from programs.events import register_facts

        register_facts()
        register_menu("manager", _("Programs"), _("Programs"), "manage:program_list", "building-store", 200, allowed=Can.SEE)
        register_menu("manager", _("Programs"), _("Offers"), "manage:offer_list", "tag", 210, allowed=Can.SEE)
