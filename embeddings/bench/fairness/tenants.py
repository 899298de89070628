"""Tenants of a scratch platform, made by a process that belongs to it."""

import json
import subprocess
import sys
from collections.abc import Sequence

from accounts.models import ApiKey, Plan, Tenant
from embeddings.bench.scratch import Scratch, ScratchError
from embeddings.catalog.grants import grant_everything

START = """
import django
django.setup()
from embeddings.bench.fairness import tenants
tenants.main()
"""


def make_tenants(platform: Scratch, weights: Sequence[float]) -> list[str]:
    """The keys of new tenants, each on a plan with one of the weights.

    Raises `ScratchError`.
    """
    done = subprocess.run(  # noqa: S603 -- ourselves
        [sys.executable, "-c", START],
        env=platform.environment,
        cwd=platform.folder,
        input=json.dumps(list(weights)),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise ScratchError(f"no tenants could be made: {done.stderr.strip()}")
    keys: list[str] = json.loads(done.stdout)
    return keys


def main() -> None:
    """Read weights and write keys, both as JSON."""
    weights = json.load(sys.stdin)
    json.dump([make_tenant(weight) for weight in weights], sys.stdout)


def make_tenant(weight: float) -> str:
    """A tenant with this weight by its plan and every model; its key's secret."""
    plan, _ = Plan.objects.get_or_create(
        name=f"weight {weight:g}", defaults={"weight": weight}
    )
    slug = f"bench-{Tenant.objects.count()}"
    tenant = Tenant.objects.create(slug=slug, name=slug, plan=plan)
    grant_everything(tenant)
    return ApiKey.objects.issue(tenant=tenant, name="bench").secret
