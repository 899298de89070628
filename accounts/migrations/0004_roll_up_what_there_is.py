from django.db import migrations

COUNTS = ", ".join(f"count(*) FILTER (WHERE bucket = {n})" for n in range(39))
BOUNDS = ", ".join(str(round(250 * 2 ** (step / 2))) for step in range(38))

#: As the ledger's trigger writes it, for the events that came before the trigger.
BACKFILL = f"""
LOCK TABLE accounts_usageevent IN SHARE MODE;
TRUNCATE accounts_usagedelta, accounts_usagehour;
INSERT INTO accounts_usagehour (
    hour, tenant_id, api_key_id, model, requests, failures, replays, refusals,
    texts, tokens, truncated, list_nanos, latency
)
SELECT date_trunc('hour', occurred_at, 'UTC'), tenant_id, api_key_id, model,
    count(*) FILTER (WHERE kind <> 3),
    count(*) FILTER (WHERE kind = 3 OR status >= 400),
    count(*) FILTER (WHERE kind = 2),
    0, sum(texts), sum(tokens), sum(truncated), sum(list_nanos), ARRAY[{COUNTS}]
FROM (
    SELECT *, CASE WHEN kind <> 3 THEN
        width_bucket(latency_us - 1, ARRAY[{BOUNDS}]::bigint[])
    END AS bucket
    FROM accounts_usageevent
) AS counted
GROUP BY 1, 2, 3, 4
"""  # noqa: S608 -- made of constants


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_rollups_prices_and_seals")]

    operations = [migrations.RunSQL(BACKFILL, migrations.RunSQL.noop)]
