from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("support", "0011_personal_managers"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(
                condition=models.Q(("resolved_at__isnull", False)), fields=["resolved_at"], name="ticket_resolved"
            ),
        ),
        # The search asks how many messages a word is in: of so many more words that is known.
        migrations.RunSQL(
            "ALTER TABLE support_message ALTER COLUMN search SET STATISTICS 1000",
            "ALTER TABLE support_message ALTER COLUMN search SET STATISTICS -1",
        ),
    ]
