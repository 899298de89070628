"""Rights compared, without a view."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.errors import ForbiddenError
from embeddings.tenant_api.rights import Rights, check_may_give, rights_of
from tests.factories import make_api_key

pytestmark = pytest.mark.django_db

NOW = timezone.now()
DAY = timedelta(days=1)


@pytest.fixture
def own():
    return make_api_key(
        scopes=["manage", "embed"], model_names=["a", "b"], expires_at=NOW + 2 * DAY
    ).api_key


@pytest.mark.parametrize(
    "less",
    [
        {},
        {"scopes": ["embed"]},
        {"model_names": ["b"]},
        {"expires_at": NOW + DAY},
    ],
    ids=lambda wish: "-".join(wish) or "nothing",
)
def test_as_much_and_less_may_be_given(own, less) -> None:
    mine = rights_of(own)
    facts = {name: getattr(mine, name) for name in ("scopes", "model_names")}

    check_may_give(own, Rights(**{**facts, "expires_at": own.expires_at, **less}))


@pytest.mark.parametrize(
    "more",
    [
        {"scopes": ["embed", "usage"]},
        {"model_names": []},
        {"model_names": ["a", "c"]},
        {"expires_at": None},
        {"expires_at": NOW + 3 * DAY},
    ],
    ids=lambda wish: "-".join(wish) or "nothing",
)
def test_more_may_not(own, more) -> None:
    facts = {"scopes": ["embed"], "model_names": ["a"], "expires_at": NOW + DAY}

    with pytest.raises(ForbiddenError):
        check_may_give(own, Rights(**{**facts, **more}))
