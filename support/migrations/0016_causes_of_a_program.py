import django.db.models.deletion
import django.db.models.functions.text
from django.db import migrations, models


def split_by_program(apps, schema_editor):
    """A cause belonged to every program; now each program that used it has its own."""
    Cause = apps.get_model("support", "Cause")
    Link = Cause.tickets.through
    for cause in Cause.objects.all():
        programs = cause.tickets.order_by("program").values_list("program", flat=True).distinct()
        for place, program in enumerate(programs):
            if place == 0:
                Cause.objects.filter(pk=cause.pk).update(program=program)
                continue
            own = Cause.objects.create(program_id=program, name=cause.name, mended_at=cause.mended_at)
            Link.objects.filter(cause=cause.pk, ticket__program=program).update(cause=own.pk)
    Cause.objects.filter(program=None).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("programs", "0001_initial"),
        ("support", "0015_search_by_stems_and_program"),
    ]

    operations = [
        migrations.AddField(
            model_name="rating",
            name="sent_to",
            field=models.EmailField(blank=True, max_length=254),
        ),
        migrations.RemoveConstraint(model_name="cause", name="cause_once"),
        migrations.AddField(
            model_name="cause",
            name="program",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="programs.program",
                verbose_name="program",
            ),
        ),
        migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE", migrations.RunSQL.noop),
        migrations.RunPython(split_by_program, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="cause",
            name="program",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="programs.program", verbose_name="program"
            ),
        ),
        migrations.AddConstraint(
            model_name="cause",
            constraint=models.UniqueConstraint(
                models.F("program"),
                django.db.models.functions.text.Lower("name"),
                condition=models.Q(("mended_at__isnull", True)),
                name="cause_once_in_a_program",
            ),
        ),
    ]
