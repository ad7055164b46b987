"""The facts that this app publishes."""

from django.utils.translation import gettext_lazy as _

from core.models import Event
from core.ui import register_fact, with_money

CONVERSION_RECORDED = "conversion.recorded"
CONVERSION_REFUNDED = "conversion.refunded"
CONVERSION_CREDITED = "conversion.credited"  # later: its click was still on its way when it came
CONVERSION_TOLD = "conversion.told"  # by the shop, after a claim's decision had written it
# The same, with another amount: data: claim; amount and currency, as decided; told, its currency told_currency
CONVERSION_TOLD_OTHERWISE = "conversion.told_otherwise"
LINK_CREATED = "link.created"
LINK_PAUSED = "link.paused"
LINK_RESUMED = "link.resumed"
COUPON_CREATED = "coupon.created"
COUPON_PAUSED = "coupon.paused"
COUPON_RESUMED = "coupon.resumed"


def register_facts() -> None:
    """How the timeline tells them."""
    register_fact(CONVERSION_RECORDED, "shopping-cart", _recorded)
    register_fact(CONVERSION_REFUNDED, "arrow-back-up", with_money(_("Refund of %(amount)s for order %(external_id)s")))
    register_fact(CONVERSION_CREDITED, "click", _("Order %(external_id)s credited: its click has arrived"))
    register_fact(CONVERSION_TOLD, "building-store", _("The shop has told order %(external_id)s too, which a claim had recorded"))
    register_fact(
        CONVERSION_TOLD_OTHERWISE,
        "alert-triangle",
        _("The shop tells %(told)s %(told_currency)s for order %(external_id)s; by the claim it is %(amount)s %(currency)s"),
    )
    register_fact(LINK_CREATED, "link", _("Link %(code)s created"))
    register_fact(LINK_PAUSED, "player-pause", _("Link %(code)s paused"))
    register_fact(LINK_RESUMED, "player-play", _("Link %(code)s active again"))
    register_fact(COUPON_CREATED, "ticket", _("Coupon %(code)s created"))
    register_fact(COUPON_PAUSED, "player-pause", _("Coupon %(code)s paused"))
    register_fact(COUPON_RESUMED, "player-play", _("Coupon %(code)s active again"))


def _recorded(event: Event) -> str:
    """A sale comes with its amount; a lead may come without one."""
    with_amount = "amount" in event.data
    text = (
        _("Order %(external_id)s recorded: %(event)s of %(amount)s") if with_amount else _("%(event)s %(external_id)s recorded")
    )
    return with_money(text)(event)
