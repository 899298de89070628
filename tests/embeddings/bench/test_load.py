"""The clients that a server is measured with."""

import json
import socket

import pytest

from embeddings.bench.load import BadAnswerError, Endpoint, drive
from tests.embeddings.bench.listening import listening


def endpoint_of(listener, key=""):
    return Endpoint(url=f"{listener.url}/v1/embeddings", model="m", key=key)


def texts_of(answers):
    return {
        answer.index: json.loads(answer.body)["data"][0]["embedding"][0]
        for answer in answers
    }


@pytest.mark.parametrize("clients", [1, 3, 20])
def test_every_request_is_answered_once_with_its_own_answer(clients):
    with listening() as listener:
        endpoint = endpoint_of(listener)
        requests = [endpoint.request(("x" * length,)) for length in range(1, 12)]
        answers = list(drive(endpoint, iter(requests), clients=clients))

    assert texts_of(answers) == {at: at + 1 for at in range(11)}
    assert all(answer.seconds > 0 for answer in answers)


def test_large_requests_and_answers_arrive_whole():
    texts = tuple("word " * 2000 for _ in range(500))
    with listening() as listener:
        endpoint = endpoint_of(listener)
        (answer,) = drive(endpoint, iter([endpoint.request(texts)]), clients=1)

    assert len(json.loads(answer.body)["data"]) == 500
    assert listener.asked == [{"model": "m", "input": list(texts)}]


def test_the_key_is_sent():
    with listening() as listener:
        endpoint = endpoint_of(listener, key="secret")
        list(drive(endpoint, iter([endpoint.request(("a",))]), clients=1))

    assert listener.keys == {"Bearer secret"}


def test_a_refusal_ends_the_run_with_its_words():
    with listening(status=429) as listener:
        endpoint = endpoint_of(listener)
        with pytest.raises(BadAnswerError, match="429"):
            list(drive(endpoint, iter([endpoint.request(("a",))]), clients=1))


def test_an_answer_of_unknown_length_is_refused():
    with listening(has_length=False) as listener:
        endpoint = endpoint_of(listener)
        with pytest.raises(BadAnswerError, match="how long it is"):
            list(drive(endpoint, iter([endpoint.request(("a",))]), clients=1))


def test_a_server_that_hangs_up_is_told():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        endpoint = Endpoint(url=f"http://127.0.0.1:{port}/embeddings", model="m")
        server.close()
        with pytest.raises(BadAnswerError, match="refused"):
            list(drive(endpoint, iter([endpoint.request(("a",))]), clients=1))
