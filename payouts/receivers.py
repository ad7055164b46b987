from core.events import receiver
from core.models import Event, Mail
from payouts import events
from payouts.models import Payout
from payouts.services.batches import tell_payout


@receiver(events.PAYOUT_PAID)
def tell_the_affiliate(event: Event) -> None:
    """Once: a mail about this payout is not written again when the event comes again."""
    about = next(name for name in event.about if name.startswith("payout:"))
    if Mail.objects.filter(about__contains=[about]).exists():
        return
    tell_payout(Payout.objects.select_related("affiliate", "batch__program", "method").get(pk=int(about.partition(":")[2])))
