from celery import shared_task
from django.utils import timezone

from intake import services
from programs.models import Program
from tracking.conversions import LATE


@shared_task
def credit_late_clicks() -> None:
    waiting = Program.objects.filter(
        conversions__reason="click_unknown", conversions__affiliate=None, conversions__created_at__gte=timezone.now() - LATE
    ).distinct()
    for program in waiting:
        services.credit_late_clicks(program)
