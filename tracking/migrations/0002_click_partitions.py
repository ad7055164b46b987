"""The click table, partitioned by day (tracking/partitions.py); and a word to the click servers when what they serve changes."""

from datetime import UTC, datetime

from django.db import migrations

from tracking.partitions import CREATE_TABLE, make_partitions_ahead


def first_days(apps, schema_editor):
    make_partitions_ahead(datetime.now(UTC).date())


class Migration(migrations.Migration):
    dependencies = [("tracking", "0001_initial")]

    operations = [
        migrations.RunSQL(CREATE_TABLE, "DROP TABLE tracking_click"),
        migrations.RunPython(first_days, migrations.RunPython.noop),
    ]
