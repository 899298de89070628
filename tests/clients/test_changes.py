"""What an operator takes away is gone in every process, not only where it was done."""

import itertools
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPConnection

import pytest

from tests.live import MODEL, LiveServer

pytestmark = pytest.mark.clients

#: Within 1 s is promised; the rest is for answers that were on their way.
GONE_AFTER_S = 1.5
WATCHED_S = 2.5
TENANTS = """
import json
from accounts.models import ApiKey, Quota, Tenant
from embeddings.models import EmbeddingModel, ModelGrant
keys = {{}}
for name in {names}:
    tenant = Tenant.objects.create(name=name, slug=name)
    model = EmbeddingModel.objects.get(name={model!r})
    ModelGrant.objects.create(tenant=tenant, model=model)
    Quota.objects.create(tenant=tenant, kind="tokens-month", amount=1_000_000)
    keys[name] = ApiKey.objects.issue(tenant=tenant, name="test").secret
print(json.dumps(keys))
"""
#: What is done to whom, and what callers read from then on.
CHANGES = {
    "key-revoked": (
        "UPDATE accounts_apikey SET revoked_at = now() WHERE tenant_id",
        401,
    ),
    "tenant-disabled": ("UPDATE accounts_tenant SET is_active = false WHERE id", 401),
    "grant-withdrawn": ("DELETE FROM embeddings_modelgrant WHERE tenant_id", 404),
    "quota-below-use": ("UPDATE accounts_quota SET amount = 1 WHERE tenant_id", 429),
}
THE_TENANT = "= (SELECT id FROM accounts_tenant WHERE slug = %s) RETURNING id"
_numbers = itertools.count(1)


@dataclass(kw_only=True)
class Watch:
    """One caller of one process, who never stops asking."""

    live: LiveServer
    key: str
    answers: list[tuple[float, int]] = field(default_factory=list)
    is_served: threading.Event = field(default_factory=threading.Event)

    def run(self, stop: threading.Event) -> None:
        connection = HTTPConnection("127.0.0.1", self.live.port, timeout=30)
        body = json.dumps({"model": MODEL, "input": "hello"})
        while not stop.is_set():
            headers = {
                "Authorization": f"Bearer {self.key}",
                # One address would soon be refused for its keys that are not valid.
                "X-Forwarded-For": f"203.0.114.{next(_numbers) % 250}",
            }
            asked_at = time.monotonic()
            connection.request("POST", "/api/embed", body, headers)
            answer = connection.getresponse()
            answer.read()
            self.answers.append((asked_at, answer.status))
            if answer.status == 200:
                self.is_served.set()
            stop.wait(0.05)
        connection.close()


@pytest.fixture(scope="module")
def watched(
    server: LiveServer, neighbour: LiveServer
) -> dict[str, list[list[tuple[float, int]]]]:
    """By change, what each process answered, in seconds after the change."""
    script = TENANTS.format(names=list(CHANGES), model=MODEL)
    keys = json.loads(server.manage("shell", "-c", script).splitlines()[-1])
    watches = {
        name: [Watch(live=live, key=keys[name]) for live in (server, neighbour)]
        for name in CHANGES
    }
    stop, changed_at = threading.Event(), {}
    with ThreadPoolExecutor(2 * len(CHANGES)) as threads:
        everybody = [watch for pair in watches.values() for watch in pair]
        ends = [threads.submit(watch.run, stop) for watch in everybody]
        try:
            assert all(watch.is_served.wait(30) for watch in everybody)
            for name, (statement, _) in CHANGES.items():
                assert server.query(f"{statement} {THE_TENANT}", name)
                changed_at[name] = time.monotonic()
            stop.wait(WATCHED_S)
        finally:
            stop.set()
        for end in ends:
            end.result()
    return {
        name: [
            [(at - changed_at[name], status) for at, status in watch.answers]
            for watch in pair
        ]
        for name, pair in watches.items()
    }


@pytest.mark.parametrize("process", [0, 1], ids=["one", "another"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_reaches_every_process(watched, change: str, process: int) -> None:
    answers = watched[change][process]

    assert answers[0][1] == 200
    later = [status for at, status in answers if at > GONE_AFTER_S]
    assert later
    assert {*later} == {CHANGES[change][1]}
