from django.apps import AppConfig


class IntakeConfig(AppConfig):
    name = "intake"

    def ready(self) -> None:
        from core.ui import register_card
        from intake.cards import refund_action

        register_card("conversion.actions", "intake/manager/_refund_action.html", 10, refund_action)
