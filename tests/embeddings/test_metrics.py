"""What is counted; the page that tells it is tested with the project."""

from prometheus_client import REGISTRY

from embeddings import metrics


def value(name, **labels):
    return REGISTRY.get_sample_value(name, labels) or 0


def test_answers_are_counted_and_timed():
    labels = {"wire": "nugen", "method": "POST", "status": "200"}
    before = value("embedding_requests_total", **labels)
    timed = value("embedding_request_seconds_count", wire="nugen")

    metrics.answered(wire="nugen", method="POST", status=200, seconds=0.1)

    assert value("embedding_requests_total", **labels) == before + 1
    assert value("embedding_request_seconds_count", wire="nugen") == timed + 1


def test_method_that_a_caller_made_up_is_no_label():
    metrics.answered(wire="nugen", method="X" * 99, status=405, seconds=0.1)

    labels = {"wire": "nugen", "method": "other", "status": "405"}
    assert value("embedding_requests_total", **labels)


def test_truncated_texts_are_counted_where_there_are_any():
    metrics.served(wire="nugen", model="whole", texts=1, tokens=5, truncated=0)
    metrics.served(wire="nugen", model="cut", texts=2, tokens=5, truncated=2)

    assert value("embedding_truncated_texts_total", model="cut") == 2
    assert not value("embedding_truncated_texts_total", model="whole")
    assert value("embedding_texts_total", wire="nugen", model="cut") == 2


def test_calls_of_providers_are_counted_by_what_came_of_them():
    labels = {"provider": "acme-ai", "outcome": "timeout"}
    before = value("embedding_provider_calls_total", **labels)
    timed = value("embedding_provider_seconds_count", provider="acme-ai")

    metrics.called_provider(provider="acme-ai", outcome="timeout", seconds=2.0)

    assert value("embedding_provider_calls_total", **labels) == before + 1
    assert value("embedding_provider_seconds_count", provider="acme-ai") == timed + 1
