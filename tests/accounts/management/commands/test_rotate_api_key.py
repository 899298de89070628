"""rotate_api_key."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from accounts import secrets
from accounts.models import ApiKey
from tests.factories import make_api_key

pytestmark = pytest.mark.django_db


def test_it_prints_the_new_secret_once(run):
    old = make_api_key(name="ingest").api_key

    ended = run("rotate_api_key", str(old.pk))

    secret = ended.out.splitlines()[0]
    assert secrets.is_well_formed(secret)
    assert "ingest" in ended.out
    assert ApiKey.objects.active().count() == 2


@pytest.mark.parametrize(
    ("text", "expected_s"),
    [("90s", 90), ("30m", 1800), ("12h", 43_200), ("2d", 172_800), ("45", 45)],
)
def test_it_takes_an_overlap(run, text, expected_s):
    old = make_api_key().api_key

    answer = run("rotate_api_key", str(old.pk), "--overlap", text, "--json").value

    new = ApiKey.objects.get(digest=secrets.digest_of(answer["key"]))
    assert answer["id"] == new.pk
    assert answer["replaces"]["id"] == old.pk
    ends_at = datetime.fromisoformat(answer["replaces"]["expires_at"])
    left = ends_at - timezone.now()
    assert timedelta(seconds=expected_s - 30) < left <= timedelta(seconds=expected_s)


def test_no_overlap_ends_the_old_one(run):
    old = make_api_key().api_key

    answer = run("rotate_api_key", str(old.pk), "--overlap", "0", "--json").value

    assert [key.pk for key in ApiKey.objects.active()] == [answer["id"]]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["999999"], "There is no such key.\n"),
        (
            ["{id}", "--overlap", "soon"],
            "Write the overlap as 90s, 30m, 12h, 1d or 0.\n",
        ),
        (["{id}", "--overlap", "31d"], "An overlap is between 0 and 30 days.\n"),
    ],
    ids=["unknown", "no time", "too long"],
)
def test_what_cannot_be_is_one_sentence(run, arguments, sentence):
    key = make_api_key().api_key

    ended = run("rotate_api_key", *[a.format(id=key.pk) for a in arguments])

    assert (ended.code, ended.err) == (1, sentence)
    assert ApiKey.objects.count() == 1


def test_revoked_key_is_not_rotated(run):
    key = make_api_key(revoked_at=timezone.now()).api_key

    ended = run("rotate_api_key", str(key.pk))

    assert (ended.code, ended.err) == (
        1,
        "The key is revoked or expired; create one.\n",
    )
