"""create_plan."""

import pytest

from accounts.models import Plan, Quota

pytestmark = pytest.mark.django_db


def test_plan_is_created_with_its_quotas_and_limits(run):
    quotas = ("--quota", "tpm=500k", "--quota", "money-month=25.50")
    limits = ("--weight", "2", "--max-texts", "64", "--keep-alive", "300")

    ended = run("create_plan", "Free", *quotas, *limits, "--json")

    plan = Plan.objects.get()
    amounts = dict(plan.quotas.values_list("kind", "amount"))
    assert amounts == {"tpm": 500_000, "money-month": 25_500_000_000}
    assert ended.value == {
        "id": plan.pk,
        "name": "Free",
        "weight": 2.0,
        "max_texts": 64,
        "keep_alive_max_s": 300.0,
        "quotas": {"tpm": 500_000, "money-month": "25.50"},
    }


def test_as_text_it_is_a_sentence(run):
    assert run("create_plan", "Free").out == "Created plan Free.\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["free"], "A plan with this name exists."),
        (["other", "--quota", "tpm"], "'tpm' is not a quota; write it as rpm=600."),
        (["other", "--quota", "tph=1"], "There is no kind of quota 'tph'; there are: "),
        (["other", "--quota", "tpm=-1"], "'-1' is not an amount; "),
        (
            ["other", "--quota", "tpm=1", "--quota", "tpm=2"],
            "There are two quotas of kind tpm.",
        ),
        (["other", "--weight", "0"], "A weight is between 0.01 and 100."),
    ],
    ids=["taken", "no amount", "kind", "amount", "twice", "weight"],
)
def test_what_is_wrong_is_one_sentence_and_no_plan(run, arguments, sentence):
    Plan.objects.create(name="Free")

    ended = run("create_plan", *arguments)

    assert (ended.code, ended.err.count("\n")) == (1, 1)
    assert ended.err.startswith(sentence)
    assert Plan.objects.count() == 1
    assert not Quota.objects.exists()
