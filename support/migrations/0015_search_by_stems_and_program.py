import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
import django.db.models.functions.text
from django.db import migrations, models


class Migration(migrations.Migration):
    """What is searched is computed anew for each message, so their table is written anew, once: docs/operators.md, "Update"."""

    dependencies = [
        ("programs", "0002_shows_support"),
        ("support", "0014_whether_the_sender_is_proved"),
    ]

    operations = [
        migrations.RemoveIndex("message", name="message_search"),  # else each row's update would be written into it
        migrations.RemoveField("message", "search"),
        migrations.AddField("message", "language", models.CharField(blank=True, max_length=10)),
        migrations.AddField(
            "message",
            "program",
            models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="programs.program",
            ),
        ),
        migrations.RunSQL(
            """
            UPDATE support_message SET program_id = t.program_id,
                language = split_part(replace(lower(t.language), '_', '-'), '-', 1)
            FROM support_ticket t WHERE t.id = ticket_id
            """,
            migrations.RunSQL.noop,
        ),
        migrations.AlterField(
            "message",
            "program",
            models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="programs.program"
            ),
        ),
        migrations.AddField(
            "message",
            "search",
            models.GeneratedField(
                db_persist=True,
                expression=models.Func(
                    django.contrib.postgres.search.SearchVector(
                        django.db.models.functions.text.Left("body_text", 100000), config="simple"
                    ),
                    models.Func(
                        django.contrib.postgres.search.SearchVector(
                            django.db.models.functions.text.Left("body_text", 100000),
                            config=models.Case(
                                models.When(language="en", then=django.contrib.postgres.search.SearchConfig("english")),
                                models.When(language="de", then=django.contrib.postgres.search.SearchConfig("german")),
                                models.When(language="es", then=django.contrib.postgres.search.SearchConfig("spanish")),
                                models.When(language="fr", then=django.contrib.postgres.search.SearchConfig("french")),
                                models.When(language="id", then=django.contrib.postgres.search.SearchConfig("indonesian")),
                                models.When(language="it", then=django.contrib.postgres.search.SearchConfig("italian")),
                                models.When(language="nl", then=django.contrib.postgres.search.SearchConfig("dutch")),
                                models.When(language="pt", then=django.contrib.postgres.search.SearchConfig("portuguese")),
                                models.When(language="ru", then=django.contrib.postgres.search.SearchConfig("russian")),
                                models.When(language="tr", then=django.contrib.postgres.search.SearchConfig("turkish")),
                                default=django.contrib.postgres.search.SearchConfig("simple"),
                                output_field=models.TextField(),
                            ),
                        ),
                        function="strip",
                    ),
                    models.Func(
                        models.F("program"),
                        models.F("language"),
                        arg_joiner="::text, '@' || ",
                        template="array_to_tsvector(ARRAY['#' || %(expressions)s])",
                    ),
                    arg_joiner=" || ",
                    output_field=django.contrib.postgres.search.SearchVectorField(),
                    template="%(expressions)s",
                ),
                output_field=django.contrib.postgres.search.SearchVectorField(),
            ),
        ),
        # The search asks how many messages a word is in: of so many more words that is known.
        migrations.RunSQL(
            "ALTER TABLE support_message ALTER COLUMN search SET STATISTICS 1000",
            migrations.RunSQL.noop,
        ),
        migrations.AddIndex("message", django.contrib.postgres.indexes.GinIndex(fields=["search"], name="message_search")),
        migrations.AddIndex("message", models.Index(fields=["program", "id"], name="message_program")),
        migrations.AlterField(
            "ticket",
            "program",
            models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="tickets",
                to="programs.program",
                verbose_name="program",
            ),
        ),
        migrations.AddIndex("ticket", models.Index(fields=["program", "id"], name="ticket_program")),
    ]
