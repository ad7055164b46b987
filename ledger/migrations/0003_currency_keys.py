"""Composite keys hold each transfer to the currency of both its accounts: what Django's foreign keys cannot say."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("ledger", "0002_initial")]

    operations = [
        migrations.RunSQL(
            """
            ALTER TABLE ledger_transfer
                ADD CONSTRAINT transfer_debit_currency FOREIGN KEY (debit_id, currency) REFERENCES ledger_account (id, currency),
                ADD CONSTRAINT transfer_credit_currency FOREIGN KEY (credit_id, currency) REFERENCES ledger_account (id, currency);
            """,
            """
            ALTER TABLE ledger_transfer
                DROP CONSTRAINT transfer_debit_currency, DROP CONSTRAINT transfer_credit_currency;
            """,
        )
    ]
