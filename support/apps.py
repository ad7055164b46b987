from django.apps import AppConfig


class SupportConfig(AppConfig):
    name = "support"

    def ready(self) -> None:
        from django.utils.translation import gettext_lazy as _

        from channels.parsed import register_filer
        from core.access import Can
        from core.mail import register_readers
        from core.ui import register_menu
        from support import receivers  # noqa: F401 — registers what this app listens to
        from support.events import register_facts
        from support.filing import file_item
        from support.models import Ticket
        from support.portal import unread
        from support.queries.queue import waiting_for

        register_menu(
            "manager", _("Settings"), _("Service levels"), "manage:policy_list", "stopwatch", 810, allowed=Can.SET_INBOX
        )
        register_facts()
        register_filer(file_item)
        register_readers(Ticket, lambda user: Ticket.objects.visible_to(user))
        register_menu("manager", "", _("Inbox"), "manage:ticket_list", "inbox", 10, allowed=Can.SEE_TICKETS, count=waiting_for)
        register_menu("portal", "", _("Help"), "portal:help_home", "message-circle", 700, count=unread)

        self._register_answers_at_hand()

    def _register_answers_at_hand(self) -> None:
        from django.utils.translation import gettext_lazy as _

        from core.access import Can
        from core.ui import register_card, register_menu
        from support.cards_answers import articles_card
        from support.views.rooms import ticket_card

        register_menu("manager", _("Answers"), _("Macros"), "manage:macro_list", "message-2-bolt", 72, allowed=Can.ANSWER_TICKETS)
        register_menu("manager", _("Answers"), _("Rooms"), "manage:room_list", "messages", 74, allowed=Can.SEE)
        register_card("ticket", "support/manager/_articles_card.html", 60, articles_card)
        register_card("ticket", "support/manager/_rooms_card.html", 80, ticket_card)
