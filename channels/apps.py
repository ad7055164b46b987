from django.apps import AppConfig


class ChannelsConfig(AppConfig):
    name = "channels"

    def ready(self) -> None:
        from django.utils.translation import gettext_lazy as _

        from channels import kinds, mail, smtp
        from channels.cards import silence_card, telegram_card
        from channels.events import register_facts
        from channels.inbound import register_parser
        from channels.models import Channel
        from channels.outgoing import register_sender
        from channels.queries import open_doors
        from channels.telegram import kind as telegram_kind
        from channels.telegram import parser, sending
        from core.access import Can
        from core.ui import register_card, register_menu
        from team.doors import register_doors

        register_facts()
        register_doors(open_doors)
        for order, label, page, icon in (
            (26, _("Contacts"), "manage:contact_list", "address-book"),
            (27, _("Quarantine"), "manage:quarantine_list", "shield-question"),
            (28, _("Not delivered"), "manage:outgoing_list", "mail-x"),
        ):
            register_menu("manager", "", label, page, icon, order, allowed=Can.SEE_TICKETS, within="manage:ticket_list")
        register_menu(
            "manager",
            _("Settings"),
            _("Channels"),
            "manage:channel_list",
            "plug-connected",
            805,
            allowed=Can.SEE_TICKETS,
            within="manage:settings_home",
            hint=_("The doors through which affiliates write, each tied to a program."),
        )
        register_parser(Channel.Kind.EMAIL, mail.parse_item, ahead=mail.look_ahead)
        register_sender(Channel.Kind.EMAIL, smtp.SENDER)
        register_parser(Channel.Kind.TELEGRAM, parser.parse_update, parser.file_alone, parser.look_ahead)
        register_sender(Channel.Kind.TELEGRAM, sending.TELEGRAM)
        register_card("ticket.above_composer", "channels/manager/_silence.html", 10, silence_card)
        register_card("portal_profile", "channels/portal/_telegram_card.html", 30, telegram_card)
        register_menu(
            "manager",
            _("Settings"),
            _("Telegram accounts"),
            "manage:telegram_account_list",
            "brand-telegram",
            807,
            allowed=Can.SEE_TICKETS,
            within="manage:settings_home",
            hint=_("The company's own accounts, and the groups; they stay whoever writes there."),
        )
        kinds.register_kind(
            Channel.Kind.EMAIL, kinds.Rules(kinds.read_email, kinds.connect_email, kinds.try_email, hook="email_hook")
        )
        kinds.register_kind(Channel.Kind.TELEGRAM, telegram_kind.RULES)
        kinds.register_kind(Channel.Kind.PHONE, kinds.Rules(kinds.read_phone))
