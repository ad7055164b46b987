from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("commissions", "0003_alter_commission_options_and_more")]
    operations = [
        migrations.AddConstraint(
            model_name="ruleversion",
            constraint=models.CheckConstraint(condition=models.Q(("value__lt", 10**15)), name="rule_value_a_number"),
        ),
    ]
