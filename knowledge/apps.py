from django.apps import AppConfig


class KnowledgeConfig(AppConfig):
    name = "knowledge"

    def ready(self) -> None:
        from django.utils.translation import gettext_lazy as _

        from affiliates.access import has_function
        from core.access import Can
        from core.ui import register_card, register_menu
        from knowledge.cards import public_program_card
        from knowledge.events import register_facts

        register_facts()
        register_menu("manager", "", _("Articles"), "manage:article_list", "book-2", 50, allowed=Can.SEE)
        register_menu("portal", "", _("Learn"), "portal:learn", "book-2", 500, allowed=has_function)
        register_card("public_program", "knowledge/public/_articles_card.html", 80, public_program_card)
