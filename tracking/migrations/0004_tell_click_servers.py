"""A word to the click servers when what they know by heart changes (tracking/clickserver/keeper.py listens).

By statement, not by row: an update of ten thousand links sends one message. A message names at most 300 rows, as PostgreSQL
takes at most 8,000 bytes; above that it says `*`, and they read everything anew.
"""

from django.db import migrations

TABLES = ("tracking_link", "programs_offer", "programs_program", "affiliates_enrollment")

FUNCTION = """
CREATE FUNCTION tracking_tell_click_servers() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    ids text := '*';
BEGIN
    IF TG_OP <> 'TRUNCATE' THEN
        SELECT CASE WHEN count(*) <= 300 THEN string_agg(id::text, ',') ELSE '*' END INTO ids
        FROM (SELECT id FROM changed LIMIT 301) few;
    END IF;
    IF ids IS NOT NULL THEN
        PERFORM pg_notify('tributary_clicks', TG_TABLE_NAME || ':' || ids);
    END IF;
    RETURN NULL;
END
$$;
"""

TRIGGERS = "".join(
    f"""
CREATE TRIGGER tell_click_servers_insert AFTER INSERT ON {table} REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION tracking_tell_click_servers();
CREATE TRIGGER tell_click_servers_update AFTER UPDATE ON {table} REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION tracking_tell_click_servers();
CREATE TRIGGER tell_click_servers_delete AFTER DELETE ON {table} REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION tracking_tell_click_servers();
CREATE TRIGGER tell_click_servers_truncate AFTER TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION tracking_tell_click_servers();
"""
    for table in TABLES
)

UNDO = "DROP FUNCTION tracking_tell_click_servers() CASCADE"


class Migration(migrations.Migration):
    dependencies = [
        ("tracking", "0003_alter_conversion_source"),
        ("programs", "0001_initial"),
        ("affiliates", "0001_initial"),
    ]

    operations = [migrations.RunSQL(FUNCTION + TRIGGERS, UNDO)]
