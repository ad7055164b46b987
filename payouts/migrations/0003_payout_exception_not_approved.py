import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("payouts", "0002_initial")]

    operations = [
        migrations.AlterField(
            model_name="payout",
            name="exceptions",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(
                    choices=[
                        ("not_approved", "The affiliate is suspended or not approved in this program"),
                        ("below_minimum", "Below the program's minimum"),
                        ("not_positive", "Refunds took back more than was earned"),
                        ("no_method", "No payout method in this currency"),
                        ("method_cooling_off", "The payout method was changed a short time ago"),
                    ],
                    max_length=20,
                ),
                default=list,
                size=None,
            ),
        )
    ]
