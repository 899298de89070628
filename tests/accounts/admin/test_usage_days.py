"""Pages of usage by day."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.admin.options import IncorrectLookupParameters
from django.test import Client
from django.urls import reverse

from accounts.admin import usage
from accounts.admin.usage_days import Place
from tests.accounts.admin.conftest import NEWEST, AddHour
from tests.factories import make_api_key, make_tenant

LIST = reverse("admin:accounts_usagesofar_changelist")
DAY = timedelta(days=1)
#: Days of usage: near together, then far apart.
BACK = (0, 1, 2, 3, 9, 60, 400)


def shown(client: Client, url: str = ""):
    return client.get(LIST + url).context["cl"]


def places(page):
    return [
        (f"{line.hour:%Y-%m-%d}", line.tenant.slug, line.model)
        for line in page.result_list
    ]


@pytest.fixture
def expected(add_hour: AddHour):
    """Three lines for each of the days, as they are to be shown."""
    keys = {slug: make_api_key(make_tenant(slug)).api_key for slug in ("b", "a")}
    for back in BACK:
        add_hour(NEWEST - back * DAY, keys["b"], model="m")
        add_hour(NEWEST - back * DAY, keys["a"], model="n~o")
        add_hour(NEWEST - back * DAY, keys["a"], model="m")
    return [
        (f"{NEWEST - back * DAY:%Y-%m-%d}", slug, model)
        for back in BACK
        for slug, model in (("a", "m"), ("a", "n~o"), ("b", "m"))
    ]


@pytest.mark.parametrize("size", [1, 2, 3, 4, 20, 21, 22])
def test_every_line_is_on_one_page_there_and_back(
    root: Client, expected, size, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(usage.UsageAdmin, "list_per_page", size)

    pages = [shown(root)]
    while pages[-1].older_url:
        pages.append(shown(root, pages[-1].older_url))
    back = [pages[-1]]
    while back[-1].newer_url:
        back.append(shown(root, back[-1].newer_url))

    assert [place for page in pages for place in places(page)] == expected
    assert [places(page) for page in reversed(back)] == [places(page) for page in pages]


def test_a_filter_stays_from_page_to_page(
    root: Client, expected, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(usage.UsageAdmin, "list_per_page", 4)

    second = shown(root, shown(root, "?model=m").older_url)

    assert places(second) == [place for place in expected if place[2] == "m"][4:8]


def test_a_place_survives_being_written():
    place = Place(day=datetime(2026, 3, 2, tzinfo=UTC), tenant="a", model="~m~é ~")

    assert Place.parse(str(place)) == place


@pytest.mark.parametrize(
    "text",
    ["", "x", "2026-03-02~a", "2026-13-02~a~m", "9999-12-31~a~m", "2026-03-02~a~\x00"],
)
def test_a_forged_place_is_refused(root: Client, text):
    with pytest.raises(IncorrectLookupParameters):
        Place.parse(text)

    if text:
        assert root.get(LIST, {"older": text}).url == f"{LIST}?e=1"


def test_nothing_is_shown_of_nothing(root: Client):
    page = shown(root)

    assert (page.result_list, page.older_url, page.newer_url) == ([], None, None)
