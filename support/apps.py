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
