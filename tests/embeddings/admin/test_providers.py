"""Providers in the admin: shown without their credentials, tried, audited."""

import pytest
from auditlog.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from embeddings.engine.errors import DeadlineError
from embeddings.models import Provider
from tests.embeddings.admin.test_provider_form import ENTERED, SECRET
from tests.factories import make_provider, make_remote_model
from tests.fakes import FakeEngine
from tests.operators import SignIn

LIST = reverse("admin:embeddings_provider_changelist")
ADD = reverse("admin:embeddings_provider_add")


def page_of(provider: Provider) -> str:
    return reverse("admin:embeddings_provider_change", args=[provider.pk])


def test_url_of(provider: Provider) -> str:
    return reverse("admin:embeddings_provider_test", args=[provider.pk])


test_url_of.__test__ = False


def test_a_provider_is_made_and_its_credential_shown_nowhere(root: Client, field_keys):
    response = root.post(ADD, ENTERED | {"new_credential": SECRET})

    assert response.status_code == 302, response.context["errors"]
    made = Provider.objects.get()
    assert made.secret() == SECRET
    pages = [root.get(LIST), root.get(page_of(made))]
    entry = LogEntry.objects.get(object_repr="ours")
    audit = root.get(reverse("admin:auditlog_logentry_change", args=[entry.pk]))
    for page in [*pages, audit]:
        assert page.status_code == 200
        assert SECRET not in page.content.decode()
        assert made.credential not in page.content.decode()
    assert "credential" not in entry.changes
    assert "credential_set_at" in entry.changes
    assert f"Set {made.credential_set_at:%Y-%m-%d %H:%M} UTC" in str(pages[1].content)


def test_a_refused_form_does_not_repeat_the_credential(root: Client, field_keys):
    page = root.post(ADD, ENTERED | {"new_credential": SECRET, "attempts": "99"})

    assert page.status_code == 200
    assert SECRET not in page.content.decode()


def test_a_changed_credential_is_audited_by_its_time(root: Client, field_keys):
    made = make_provider("ours", credential="sk-a")

    root.post(page_of(made), ENTERED | {"new_credential": SECRET})

    entry = LogEntry.objects.filter(action=LogEntry.Action.UPDATE).get()
    assert list(entry.changes) == ["credential_set_at"]
    made.refresh_from_db()
    assert made.secret() == SECRET


def test_who_only_looks_sees_no_field_for_it(staff: SignIn, field_keys):
    made = make_provider("ours", credential=SECRET)
    make_remote_model("theirs", provider=made)
    clerk = staff("embeddings.view_provider")

    page = clerk.get(page_of(made))

    assert page.status_code == 200
    for text in ("new_credential", "theirs", made.credential, "Test: embed"):
        assert text not in page.content.decode()
    assert clerk.post(test_url_of(made)).status_code == 403


@pytest.mark.parametrize("lookup", ["credential", "credential__startswith"])
def test_no_list_can_be_filtered_by_the_credential(
    staff: SignIn, field_keys, lookup: str
):
    made = make_provider("ours", credential="sk-a")
    client = staff("embeddings.view_provider")

    page = client.get(LIST, {lookup: made.credential})

    # Guesses that are right would be told by the rows that are left.
    assert page.status_code == 400
    assert client.get(LIST, {"credential_set_at__isnull": "False"}).status_code == 200


def test_each_model_is_tried_and_the_outcome_told(root: Client, engine: FakeEngine):
    made = make_provider("ours")
    make_remote_model("theirs", provider=made)

    page = root.post(test_url_of(made), follow=True)

    assert "theirs: 1,536 dimensions in" in page.content.decode()
    engine.failures["run"] = DeadlineError("it did not answer in time")
    page = root.post(
        LIST, {"action": "try_chosen", "_selected_action": [made.pk]}, follow=True
    )
    assert "theirs: it did not answer in time." in page.content.decode()


def test_without_a_model_there_is_nothing_to_try(root: Client, engine: FakeEngine):
    page = root.post(test_url_of(make_provider("ours")), follow=True)

    assert "ours has no model in the catalog." in page.content.decode()


def test_a_trial_is_asked_for_with_a_token_and_post(root: Client, engine: FakeEngine):
    made = make_provider()

    assert root.get(test_url_of(made)).status_code == 403
    nobody = reverse("admin:embeddings_provider_test", args=[0])
    assert root.post(nobody).status_code == 404
    assert engine.calls == []


@pytest.mark.parametrize(("action", "expected"), [("disable", False), ("enable", True)])
def test_switching_is_audited(root: Client, action, expected):
    made = make_provider("p", is_enabled=not expected)

    page = root.post(
        LIST, {"action": action, "_selected_action": [made.pk]}, follow=True
    )

    made.refresh_from_db()
    assert made.is_enabled is expected
    assert f"Providers {action}d: p.".encode() in page.content
    entry = LogEntry.objects.filter(action=LogEntry.Action.UPDATE).get()
    assert list(entry.changes) == ["is_enabled"]


def test_trouble_is_shown_on_the_list_and_the_page(root: Client):
    made = make_provider(trouble="HTTP 401: no.", trouble_at=timezone.now())

    for url in (LIST, page_of(made)):
        assert "HTTP 401: no." in root.get(url).content.decode()
    assert "Refuses" in root.get(LIST).content.decode()


def test_the_list_costs_the_same_for_any_number(
    root: Client, django_assert_num_queries: DjangoAssertNumQueries
):
    for _ in range(20):
        make_remote_model()

    with django_assert_num_queries(5):
        root.get(LIST)


def test_its_models_are_listed_and_well_known_ones_offered(root: Client):
    made = make_provider(kind="cohere")
    make_remote_model("mine", provider=made, source="embed-v4.0")

    page = root.get(page_of(made))

    assert [row.name for row, _ in page.context["models"]] == ["mine"]
    offered = [known.name for known, _ in page.context["well_known"]]
    assert "embed-v4.0" not in offered
    assert "embed-english-v3.0" in offered
    url = next(url for known, url in page.context["well_known"])
    form = root.get(url)
    assert form.status_code == 200
    assert form.context["adminform"].form.initial["provider"] == str(made.pk)


def test_a_provider_with_models_is_not_deleted(root: Client):
    made = make_remote_model().provider

    root.post(
        reverse("admin:embeddings_provider_delete", args=[made.pk]), {"post": "yes"}
    )

    assert Provider.objects.get() == made
