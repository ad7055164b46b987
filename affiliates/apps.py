from django.apps import AppConfig


class AffiliatesConfig(AppConfig):
    name = "affiliates"

    def ready(self) -> None:
        from django.utils.translation import gettext_lazy as _

        from affiliates.access import has_function
        from affiliates.cards import affiliate_step, enrollments_card
        from affiliates.events import register_facts
        from affiliates.models import Affiliate, Enrollment, Invitation
        from core.access import Can
        from core.mail import register_readers
        from core.ui import register_card, register_menu

        register_facts()
        register_readers(Affiliate, lambda user: Affiliate.objects.entrusted_to(user))
        register_readers(Enrollment, lambda user: Enrollment.objects.visible_to(user))
        # Its link makes its reader a member: for those who may invite.
        register_readers(Invitation, lambda user: Invitation.objects.filter(affiliate__in=Affiliate.objects.entrusted_to(user)))
        register_menu("portal", "", _("Account"), "portal:profile", "user", 890, allowed=has_function)
        register_menu("portal", "", _("People"), "portal:people", "users", 900, allowed=has_function, within="portal:profile")
        register_menu("manager", _("Affiliates"), _("Affiliates"), "manage:affiliate_list", "users", 100, allowed=Can.SEE)
        register_menu("manager", _("Affiliates"), _("Enrollments"), "manage:enrollment_list", "user-check", 110, allowed=Can.SEE)
        register_card("program.steps", "affiliates/manager/_affiliate_step.html", 30, affiliate_step)
        register_card("program.side", "affiliates/manager/_enrollments_card.html", 20, enrollments_card)
