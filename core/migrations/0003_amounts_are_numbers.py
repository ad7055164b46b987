"""Columns of money that were made before `MoneyField.db_check` refuse NaN like those that are made now."""

from django.db import migrations

REFUSE_NAN = """
    DO $$
    DECLARE money record;
    BEGIN
        FOR money IN
            SELECT a.attrelid::regclass AS relation, a.attname AS name
            FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
            WHERE c.relkind IN ('r', 'p') AND c.relnamespace = current_schema()::regnamespace
              AND a.attnum > 0 AND NOT a.attisdropped AND format_type(a.atttypid, a.atttypmod) = 'numeric(19,4)' AND a.attname <> 'value'
              AND NOT EXISTS (
                SELECT FROM pg_constraint k
                WHERE k.conrelid = a.attrelid AND k.contype = 'c' AND k.conkey = ARRAY[a.attnum]
                  AND pg_get_constraintdef(k.oid) LIKE '%<> ''NaN''%'
              )
        LOOP
            EXECUTE format('ALTER TABLE %s ADD CHECK (%I <> ''NaN'')', money.relation, money.name);
        END LOOP;
    END $$
"""


class Migration(migrations.Migration):
    dependencies = [("core", "0002_saved_views")]
    operations = [migrations.RunSQL(REFUSE_NAN, migrations.RunSQL.noop)]
