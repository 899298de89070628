"""OpenAI's shapes of usage and costs."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.embeddings.tenant_api.asking import DAY, Api, record
from tests.factories import make_api_key
from tests.wires import OPENAI

USAGE = "/v1/organization/usage/embeddings"
COSTS = "/v1/organization/costs"
START = int(DAY.timestamp())
HOUR_S, DAY_S = 3600, 86_400
MODEL = "all-MiniLM-L6-v2"


@pytest.fixture
def key(house):
    return house.acme.api_keys.get()


def buckets(api: Api, path: str = USAGE, **query) -> list[tuple[int, list]]:
    """Days from START, and the results of each bucket that has some."""
    times = {"start_time": START, "end_time": START + 3 * DAY_S}
    answer = api.get(path, **{**times, **query})
    return [
        ((bucket["start_time"] - START) / DAY_S, bucket["results"])
        for bucket in answer["data"]
        if bucket["results"]
    ]


def test_a_page_of_days(api, key) -> None:
    record(key)
    record(key, tokens=3, occurred_at=DAY + timedelta(hours=23))
    record(key, status=500, tokens=0, texts=0, list_nanos=0)

    answer = api.get(USAGE, start_time=START, end_time=START + 2 * DAY_S)

    assert answer == {
        "object": "page",
        "data": [
            {
                "object": "bucket",
                "start_time": START,
                "end_time": START + DAY_S,
                "results": [
                    {
                        "object": "organization.usage.embeddings.result",
                        "input_tokens": 10,
                        "num_model_requests": 2,
                        "project_id": None,
                        "user_id": None,
                        "api_key_id": None,
                        "model": None,
                    }
                ],
            },
            {
                "object": "bucket",
                "start_time": START + DAY_S,
                "end_time": START + 2 * DAY_S,
                "results": [],
            },
        ],
        "has_more": False,
        "next_page": None,
    }


def test_costs_are_list_prices(api, key) -> None:
    record(key, list_nanos=1_230_000_001)
    record(key, model="b", list_nanos=70)

    ((_, (whole,)),) = buckets(api, COSTS)
    ((_, items),) = buckets(api, COSTS, group_by="line_item")

    assert whole == {
        "object": "organization.costs.result",
        "amount": {"value": 1.230000071, "currency": "usd"},
        "line_item": None,
        "project_id": None,
        "api_key_id": None,
        "quantity": None,
        "quantity_unit": None,
    }
    assert [(item["line_item"], item["amount"]["value"]) for item in items] == [
        (MODEL, 1.230000001),
        ("b", 0.00000007),
    ]
    assert {(item["quantity"], item["quantity_unit"]) for item in items} == {
        (7, "tokens")
    }


def test_groups_have_their_fields(api, house, key) -> None:
    second = make_api_key(house.acme).api_key
    record(key, tokens=1)
    record(second, tokens=2)
    query = {"group_by[]": ["project_id", "user_id", "api_key_id", "model"]}

    ((_, found),) = buckets(api, **query)

    names = ("project_id", "user_id", "api_key_id", "model", "input_tokens")
    assert [tuple(one[name] for name in names) for one in found] == [
        ("acme", None, str(key.pk), MODEL, 1),
        ("acme", None, str(second.pk), MODEL, 2),
    ]


def test_filters_join(api, house, key) -> None:
    second = make_api_key(house.acme).api_key
    record(key, tokens=1)
    record(second, tokens=2)
    record(second, model="b", tokens=4)

    def tokens(**query) -> int:
        found = buckets(api, **query)
        return sum(one["input_tokens"] for _, results in found for one in results)

    assert tokens(project_ids=["acme", "globex"], models=["all-minilm", "b"]) == 7
    assert tokens(models=MODEL) == 3
    assert tokens(**{"api_key_ids[]": [str(second.pk), "key_x"]}) == 6
    assert tokens(project_ids="globex") == tokens(user_ids="me") == 0
    assert tokens(api_key_ids="key_x") == tokens(api_key_ids=str(2**70)) == 0


def test_others_usage_is_nobodys_business(api, api_of, house) -> None:
    record(house.globex.api_keys.get())

    assert buckets(api) == []
    assert buckets(api, api_key_ids=str(house.globex.api_keys.get().pk)) == []
    assert len(buckets(api_of(house.globex_key))) == 1


@pytest.mark.parametrize(
    ("since_s", "until_s", "width", "count"),
    [
        (0, 1, "1d", 1),
        (DAY_S - 1, DAY_S, "1d", 1),
        (DAY_S - 1, DAY_S + 1, "1d", 2),
        (0, 30 * DAY_S, "1d", 7),
        (1, HOUR_S + 1, "1h", 2),
        (0, 3 * DAY_S, "1h", 24),
    ],
)
def test_buckets_are_whole(since_s, until_s, width, count, api) -> None:
    answer = api.get(
        USAGE,
        start_time=START + since_s,
        end_time=START + until_s,
        bucket_width=width,
    )

    seconds = {"1d": DAY_S, "1h": HOUR_S}[width]
    starts = [bucket["start_time"] for bucket in answer["data"]]
    first = START + since_s // seconds * seconds
    assert starts == [first + seconds * number for number in range(count)]


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_pages_join_to_the_whole(limit, api, key) -> None:
    for number in range(5):
        record(key, occurred_at=DAY + timedelta(days=number), tokens=number + 1)
    query = {"start_time": START, "end_time": START + 5 * DAY_S, "limit": limit}

    found, page = [], {}
    while page is not None:
        answer = api.get(USAGE, **query, **page)
        assert answer["has_more"] is (answer["next_page"] is not None)
        found += answer["data"]
        page = {"page": answer["next_page"]} if answer["has_more"] else None

    assert [day["results"][0]["input_tokens"] for day in found] == [1, 2, 3, 4, 5]


def test_it_ends_with_the_present(api) -> None:
    before = timezone.now()
    start = int((before - timedelta(hours=30)).timestamp())

    answer = api.get(USAGE, start_time=start, bucket_width="1h", limit=168)

    last = answer["data"][-1]
    assert last["start_time"] <= timezone.now().timestamp()
    assert last["end_time"] > before.timestamp()


def test_what_is_to_come_has_no_buckets(api) -> None:
    answer = api.get(USAGE, start_time=START + 900 * 365 * DAY_S)

    assert (answer["data"], answer["has_more"]) == ([], False)


@pytest.mark.parametrize(
    ("path", "query", "param"),
    [
        (USAGE, {"start_time": ""}, "start_time"),
        (USAGE, {"start_time": "-1"}, "start_time"),
        (USAGE, {"start_time": str(10**20)}, "start_time"),
        (USAGE, {"end_time": START}, "end_time"),
        (USAGE, {"bucket_width": "1m"}, "bucket_width"),
        (USAGE, {"limit": 32}, "limit"),
        (USAGE, {"limit": 169, "bucket_width": "1h"}, "limit"),
        (USAGE, {"limit": 0}, "limit"),
        (USAGE, {"group_by": "line_item"}, "group_by"),
        (USAGE, {"page": "x"}, "page"),
        (USAGE, {"batch": "true"}, "batch"),
        (COSTS, {"bucket_width": "1h"}, "bucket_width"),
        (COSTS, {"limit": 181}, "limit"),
        (COSTS, {"group_by": "model"}, "group_by"),
    ],
    ids=str,
)
def test_what_cannot_be_is_told_as_openai_does(path, query, param, api) -> None:
    response = api.ask("GET", path, **{"start_time": START, **query})

    OPENAI.error_of(response, 400)
    error = response.json()["error"]
    assert (error["param"], error["type"]) == (param, "invalid_request_error")


def test_a_start_is_needed(api) -> None:
    response = api.ask("GET", USAGE)

    assert "required" in OPENAI.error_of(response, 400)
