from celery import shared_task
from django.utils import timezone

from intake import services
from programs.models import Program
from tracking.late import LATE


@shared_task
def credit_late_clicks() -> None:
    waiting = Program.objects.filter(
        conversions__awaited_click_id__isnull=False, conversions__created_at__gte=timezone.now() - LATE
    ).distinct()
    for program in waiting:
        services.credit_late_clicks(program)
