from celery import shared_task
from django.utils import timezone

from tracking import partitions


@shared_task
def make_click_partitions() -> None:
    partitions.make_partitions_ahead(timezone.now().date())
