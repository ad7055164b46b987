from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from core.tasks import send_soon
from payouts.models import BatchStatus, PayoutBatch
from payouts.services import compute_batch


@shared_task
def compute(batch_id: int) -> None:
    compute_batch(batch_id)


@shared_task
def resume_stuck_batches() -> None:
    """Batches whose task was lost or whose worker was killed: nothing has moved for a while."""
    stuck = PayoutBatch.objects.filter(status=BatchStatus.COMPUTING, progress_at__lt=timezone.now() - timedelta(seconds=30))
    for pk in stuck.values_list("pk", flat=True):
        send_soon(compute, pk)
