"""Which click the same visitor made before: what "first click" follows."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("tracking", "0007_awaited_clicks")]

    operations = [
        # A new database has the column from its first day (tracking/partitions.py).
        migrations.RunSQL("ALTER TABLE tracking_click ADD COLUMN IF NOT EXISTS previous uuid", migrations.RunSQL.noop),
    ]
