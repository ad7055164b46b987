from django.apps import AppConfig


class SupportConfig(AppConfig):
    name = "support"

    def ready(self) -> None:
        from django.utils.translation import gettext_lazy as _

        from affiliates.queries import register_hidden
        from channels.parsed import register_desk, register_filer
        from channels.telegram.buttons import register_buttons
        from core.access import Can
        from core.mail import register_readers
        from core.ui import register_card, register_menu
        from support import chat_answers, rating_buttons, receivers  # noqa: F401 — receivers: what this app listens to
        from support.cards import (
            affiliate_promises_card,
            clocks_card,
            composer_promises,
            improvement_card,
            shown_figures_card,
            ticket_promises_card,
        )
        from support.events import register_facts
        from support.filing import file_item
        from support.models import Ticket
        from support.portal import unread
        from support.queries.queue import waiting_for
        from support.queries.ticket import hidden_tickets
        from support.rescue import find_filed, rescue_item
        from support.services.following import filed_together

        register_menu(
            "manager",
            _("Settings"),
            _("Service levels"),
            "manage:policy_list",
            "stopwatch",
            810,
            allowed=Can.SET_INBOX,
            within="manage:settings_home",
            hint=_("How soon affiliates are answered."),
        )
        register_menu(
            "manager",
            _("Settings"),
            _("When a request begins"),
            "manage:start_rule_list",
            "arrows-split",
            811,
            allowed=Can.SEE_TICKETS,
            within="manage:settings_home",
            hint=_("Which messages start a request of their own."),
        )
        for order, label, page, icon in (
            (20, _("Board"), "manage:support_board", "layout-dashboard"),
            (21, _("Promises"), "manage:promise_list", "heart-handshake"),
            (22, _("Questions to others"), "manage:escalation_list", "stairs-up"),
            (23, _("Calls"), "manage:call_list", "phone"),
            (30, _("Improvements"), "manage:improvement_list", "bulb"),
        ):
            register_menu("manager", "", label, page, icon, order, allowed=Can.SEE_TICKETS, within="manage:ticket_list")
        register_card("ticket", "support/manager/_clocks_card.html", 10, clocks_card)
        register_card("ticket", "support/manager/_promises_card.html", 20, ticket_promises_card)
        register_card("ticket", "support/manager/_improvement_card.html", 90, improvement_card)
        register_card("ticket.above_composer", "support/manager/_promises_composer.html", 50, composer_promises)
        register_card("affiliate.side", "support/manager/_promises_card.html", 40, affiliate_promises_card)
        register_card("public_program", "support/public/_figures_card.html", 50, shown_figures_card)
        register_card("portal.help", "support/public/_figures_card.html", 50, shown_figures_card)
        register_facts()
        register_filer(file_item, filed_together)
        register_desk(find_filed, rescue_item)
        register_buttons(chat_answers.PREFIX, chat_answers.settle_by_button)
        register_buttons(rating_buttons.PREFIX, rating_buttons.rate_by_button)
        register_readers(Ticket, lambda user: Ticket.objects.visible_to(user))
        register_hidden(hidden_tickets)
        register_menu("manager", "", _("Inbox"), "manage:ticket_list", "inbox", 10, allowed=Can.SEE_TICKETS, count=waiting_for)
        register_menu("portal", "", _("Help"), "portal:help_home", "message-circle", 700, count=unread)

        self._register_answers_at_hand()
        self._register_rooms_of_the_team()
        self._register_beyond_a_reply()

    def _register_answers_at_hand(self) -> None:
        from django.utils.translation import gettext_lazy as _

        from core.access import Can
        from core.ui import register_card, register_menu
        from support.cards_answers import articles_card, draft_card
        from support.views.rooms import ticket_card

        register_menu(
            "manager",
            "",
            _("Macros"),
            "manage:macro_list",
            "message-2-bolt",
            25,
            allowed=Can.ANSWER_TICKETS,
            within="manage:ticket_list",
        )
        register_menu("manager", "", _("Rooms"), "manage:room_list", "messages", 40, allowed=Can.SEE)
        register_card("ticket.above_composer", "support/manager/_draft_offer.html", 10, draft_card)
        register_card("ticket.composer", "support/manager/_macro_button.html", 20, lambda request, ticket: {"ticket": ticket})
        register_card("ticket", "support/manager/_articles_card.html", 60, articles_card)
        register_card("ticket", "support/manager/_rooms_card.html", 80, ticket_card)

    def _register_rooms_of_the_team(self) -> None:
        from django.utils.translation import gettext_lazy as _

        from core.access import Can
        from core.ui import register_card, register_menu
        from support.cards_team import handover_later, sheet_link

        team = _("Team")
        register_menu("manager", team, _("Capacity"), "manage:capacity_list", "gauge", 603, allowed=Can.SEE_TEAM)
        register_menu(
            "manager",
            team,
            _("Personal managers"),
            "manage:proposal_list",
            "user-heart",
            604,
            allowed=Can.PLAN_TEAM,
            within="manage:capacity_list",
        )
        register_menu(
            "manager",
            team,
            _("Handover"),
            "manage:handover",
            "clipboard-text",
            605,
            allowed=Can.SEE_TICKETS,
            within="manage:roster",
        )
        register_card("absence.actions", "support/manager/_sheet_link.html", 10, sheet_link)
        register_card("team", "support/manager/_handover_later.html", 10, handover_later)

    def _register_beyond_a_reply(self) -> None:
        """Questions to others, calls, claims, ratings by buttons."""
        from django.utils.translation import gettext_lazy as _

        from core.access import Can
        from core.ui import register_card, register_menu
        from support.cards_calls import affiliate_calls_card, doors_composer, ticket_calls_card
        from support.views.claims import claim_card
        from support.views.keeping import keep_card, origin_card
        from support.views.levels import levels_card

        register_card("ticket", "support/manager/_claim_card.html", 10, claim_card)
        register_card("ticket", "support/manager/_calls_card.html", 70, ticket_calls_card)
        register_card("affiliate.side", "support/manager/_calls_card.html", 50, affiliate_calls_card)
        register_card("ticket.above_composer", "support/manager/_doors_composer.html", 10, doors_composer)
        register_card("ticket", "support/manager/_levels_card.html", 60, levels_card)
        register_card("escalation", "support/manager/_keep_card.html", 10, keep_card)
        register_card("macro", "support/manager/_origin_card.html", 10, origin_card)
        register_card("article", "support/manager/_origin_card.html", 10, origin_card)
        register_menu(
            "manager",
            _("Settings"),
            _("Limits of better terms"),
            "manage:terms_limit_list",
            "adjustments-dollar",
            812,
            allowed=Can.SET_RULES,
            within="manage:settings_home",
            hint=_("What managers grant by themselves, and who decides above it."),
        )
        register_menu("manager", _("Money"), _("Disputes"), "manage:claim_list", "gavel", 430, allowed=Can.SEE_MONEY)
