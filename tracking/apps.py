from django.apps import AppConfig


class TrackingConfig(AppConfig):
    name = "tracking"

    def ready(self) -> None:
        from django.utils.translation import gettext_lazy as _

        from affiliates.access import has_function
        from core.access import Can
        from core.ui import register_card, register_menu
        from tracking.cards import links_card
        from tracking.events import register_facts

        register_facts()
        register_menu(
            "manager", _("Tracking"), _("Conversions"), "manage:conversion_list", "shopping-cart", 330, allowed=Can.SEE_TRACKING
        )
        register_menu("portal", "", _("Links"), "portal:link_list", "link", 300, allowed=has_function)
        register_menu(
            "portal", "", _("Coupons"), "portal:coupon_list", "ticket", 305, allowed=has_function, within="portal:link_list"
        )
        register_menu("manager", _("Tracking"), _("Links"), "manage:link_list", "link", 310, allowed=Can.SEE_TRACKING)
        register_menu("manager", _("Tracking"), _("Coupons"), "manage:coupon_list", "ticket", 320, allowed=Can.SEE_TRACKING)
        register_menu("manager", _("Tracking"), _("Clicks"), "manage:click_list", "click", 340, allowed=Can.SEE_TRACKING)
        register_card("affiliate", "tracking/manager/_links_card.html", 20, links_card)
