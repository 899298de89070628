from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [
        migrations.RunSQL(
            "INSERT INTO accounts_revision (id, number) VALUES (1, 0)"
            " ON CONFLICT DO NOTHING",
            "DELETE FROM accounts_revision",
        ),
    ]
