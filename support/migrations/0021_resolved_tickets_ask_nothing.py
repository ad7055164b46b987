"""Questions that were still open when their tickets were resolved are withdrawn, as resolving does from now on."""

from django.db import migrations
from django.db.models import OuterRef, Subquery


def withdraw(apps, schema_editor):
    escalations = apps.get_model("support", "Escalation").objects
    tickets = apps.get_model("support", "Ticket").objects
    left = escalations.filter(status__in=["asked", "accepted"], ticket__status="resolved")
    tickets.filter(pk__in=list(left.values_list("ticket", flat=True))).update(level="support")
    resolved = tickets.filter(pk=OuterRef("ticket")).values("resolved_at")[:1]
    left.update(status="withdrawn", closed_at=Subquery(resolved))


class Migration(migrations.Migration):
    dependencies = [("support", "0020_tasks_are_told_when_due")]

    operations = [migrations.RunPython(withdraw, migrations.RunPython.noop)]
