from django.apps import AppConfig


class ChannelsConfig(AppConfig):
    name = "channels"

    def ready(self) -> None:
        from channels import mail, smtp
        from channels.events import register_facts
        from channels.inbound import register_parser
        from channels.models import Channel
        from channels.outgoing import register_sender
        from channels.telegram import parser, sending

        register_facts()
        register_parser(Channel.Kind.EMAIL, mail.parse_item)
        register_sender(Channel.Kind.EMAIL, smtp.SENDER)
        register_parser(Channel.Kind.TELEGRAM, parser.parse_update)
        register_sender(Channel.Kind.TELEGRAM, sending.TELEGRAM)
