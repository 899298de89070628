from django.db import migrations

#: Tenants share their locks, of which the server has but some thousands for everybody:
#: a plan may have more tenants than that.
LOCK_KEY = """
CREATE OR REPLACE FUNCTION accounts_quota_lock(the_tenant bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
SELECT hashtextextended('quota accounts of tenants ' || the_tenant % 512, 0)
$$
"""

OLD_LOCK_KEY = """
CREATE OR REPLACE FUNCTION accounts_quota_lock(the_tenant bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
SELECT hashtextextended('quota accounts of tenant ' || the_tenant, 0)
$$
"""

#: In the order of the locks, as whoever makes accounts.
IN_ORDER = """PERFORM pg_advisory_xact_lock(key) FROM (
        SELECT DISTINCT accounts_quota_lock(id) AS key
        FROM unnest(tenants) AS id ORDER BY key
    ) AS sorted"""

OLD_IN_ORDER = """PERFORM pg_advisory_xact_lock(accounts_quota_lock(id))
    FROM (SELECT id FROM unnest(tenants) AS id ORDER BY id) AS sorted"""

#: Otherwise as it was.
RECAP = """
CREATE OR REPLACE FUNCTION accounts_recap(tenants bigint[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    moment timestamptz;
BEGIN
    %s;
    moment = clock_timestamp();
    PERFORM id FROM accounts_quotaaccount
    WHERE tenant_id = ANY (tenants) AND (period_end IS NULL OR period_end > moment)
    ORDER BY id FOR NO KEY UPDATE;
    INSERT INTO accounts_quotaaccount (tenant_id, api_key_id, kind, quantity, is_pack,
        period_start, period_end, cap, base, used)
    SELECT tenant_id, api_key_id, kind, quantity, is_pack, period_start, period_end,
        amount + CASE WHEN is_pack THEN used ELSE 0 END,
        CASE WHEN is_pack THEN used ELSE 0 END, used
    FROM (
        SELECT own.tenant_id, q.api_key_id, own.kind, own.quantity, own.is_pack,
            own.period_start, own.period_end, q.amount, accounts_quota_used(
                own.tenant_id, q.api_key_id, own.quantity,
                own.period_start, own.period_end
            ) AS used
        FROM accounts_quota q
        JOIN accounts_apikey k ON k.id = q.api_key_id
        JOIN accounts_quotaaccount own ON own.tenant_id = k.tenant_id
            AND own.api_key_id IS NULL AND own.kind = q.kind
        WHERE k.tenant_id = ANY (tenants)
            AND (own.period_end IS NULL OR own.period_end > moment)
    ) AS missing
    ON CONFLICT DO NOTHING;
    UPDATE accounts_quotaaccount a
    SET base = found.new_base, cap = found.amount + found.new_base
    FROM (
        SELECT id, accounts_quota_amount(tenant_id, api_key_id, kind) AS amount,
            -- What running requests hold may be given back: it is not used yet.
            CASE WHEN is_pack AND cap IS NULL THEN used - coalesce((
                SELECT sum(f.amount) FROM accounts_inflight f WHERE f.account_id = q.id
            ), 0)::bigint ELSE base END AS new_base
        FROM accounts_quotaaccount q
        WHERE tenant_id = ANY (tenants) AND (period_end IS NULL OR period_end > moment)
    ) AS found
    WHERE a.id = found.id AND a.cap IS DISTINCT FROM found.amount + a.base;
END
$$
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0010_find_rare_names"),
    ]

    operations = [
        migrations.RunSQL(
            [LOCK_KEY, RECAP % IN_ORDER], [OLD_LOCK_KEY, RECAP % OLD_IN_ORDER]
        ),
    ]
