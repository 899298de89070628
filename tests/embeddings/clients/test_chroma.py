"""chromadb's side of the client: what it registers, keeps, checks and hands over."""

import json
import pickle
import subprocess
import sys
from pathlib import Path

import chromadb.utils.embedding_functions as registry
import numpy as np
import pytest
from chromadb.api.types import validate_embedding_function

import embeddings.clients
from embeddings.clients.chroma import (
    PlatformEmbeddingFunction,
    PlatformSparseEmbeddingFunction,
)
from embeddings.clients.server import WrongAnswerError
from tests.embeddings.clients.conftest import KEY, VARIABLE, Answer, said

ROOT = Path(embeddings.clients.__file__).parents[2]
ALONE = """
import sys
for name in ("django", "rest_framework", "torch", "transformers", "openvino",
             "sentence_transformers", "accounts", "config"):
    sys.modules[name] = None
sys.path.insert(0, {root!r})
import embeddings.clients
before = {{name for name in sys.modules if name.startswith("chromadb")}}
from embeddings.clients.chroma import PlatformEmbeddingFunction
function = PlatformEmbeddingFunction(url="http://h:1", model="m")
print(len(before), function.name(), sorted(
    name for name in sys.modules if name.startswith("embeddings")
))
"""

#: chromadb's own use of its dependencies.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

BOTH = [PlatformEmbeddingFunction, PlatformSparseEmbeddingFunction]
both = pytest.mark.parametrize("kind", BOTH, ids=["dense", "sparse"])


def make(kind, script=None, **more):
    url = "http://h:1" if script is None else script.url
    return kind(url=url, model="m", api_key_env_var=VARIABLE, **more)


def test_it_needs_nothing_of_the_server() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ALONE.format(root=str(ROOT))],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )

    assert done.returncode == 0, done.stderr
    own = "['embeddings', 'embeddings.clients', 'embeddings.clients.chroma', "
    own += "'embeddings.clients.server']"
    assert done.stdout.strip() == f"0 embedding-platform {own}"


def test_both_are_in_chromadbs_registry() -> None:
    dense, sparse = BOTH

    assert registry.known_embedding_functions[dense.name()] is dense
    assert registry.sparse_known_embedding_functions[sparse.name()] is sparse
    validate_embedding_function(make(dense))
    assert not make(dense).is_legacy()


@both
def test_what_is_kept_makes_the_same_function(kind, script) -> None:
    more = {"labels": True} if kind is BOTH[1] else {"dimensions": 2}
    function = make(kind, task="t", query_instruction="q", timeout_s=5, **more)

    kept = json.loads(json.dumps(function.get_config()))
    kind.validate_config(kept)
    again = kind.build_from_config(kept)

    assert again.settings == function.settings
    assert kept["api_key_env_var"] == VARIABLE
    assert KEY not in str(kept)
    assert pickle.loads(pickle.dumps(again)).get_config() == kept


@both
@pytest.mark.parametrize(
    "config",
    [
        {},
        {"url": "http://h:1"},
        {"url": "http://h:1", "model": "m", "api_key": "s"},
        {"url": "http://h:1", "model": 1},
    ],
    ids=["empty", "no-model", "key", "type"],
)
def test_what_is_no_configuration_is_refused(kind, config) -> None:
    with pytest.raises(ValueError, match="validation error"):
        kind.validate_config(config)


@both
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("url", "http://elsewhere:2"),
        ("api_key_env_var", "OTHER"),
        ("query_instruction", "other"),
        ("max_texts", 1),
    ],
    ids=str,
)
def test_what_leaves_vectors_as_they_are_may_change(kind, name, value) -> None:
    old = make(kind).get_config()

    make(kind).validate_config_update(old, old | {name: value})


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        *((kind, "model", "other") for kind in BOTH),
        *((kind, "task", "other") for kind in BOTH),
        *((kind, "document_instruction", "") for kind in BOTH),
        (BOTH[0], "dimensions", 2),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_what_would_mix_vectors_may_not_change(kind, name, value) -> None:
    old = make(kind).get_config()

    with pytest.raises(ValueError, match=f"'{name}' cannot become"):
        make(kind).validate_config_update(old, old | {name: value})


def test_vectors_are_float32_and_in_order(script) -> None:
    texts = ["a", "bb", "ccc", "", "a"]

    vectors = make(BOTH[0], script, max_texts=2)(texts)

    assert script.texts == [["a", "bb"], ["ccc", ""], ["a"]]
    assert [vector.tolist() for vector in vectors] == [
        [len(text), 1.0] for text in texts
    ]
    assert {vector.dtype for vector in vectors} == {np.dtype(np.float32)}


def test_documents_and_queries_tell_what_they_are(script) -> None:
    function = make(BOTH[0], script, dimensions=2)

    function(["a"])
    function.embed_query(["a"])

    assert [body["target"] for body in script.asked] == ["documents", "query"]
    assert [body["dimensions"] for body in script.asked] == [2, 2]


def test_no_queries_need_no_server(script) -> None:
    assert [make(kind, script).embed_query([]) for kind in BOTH] == [[], []]
    assert script.asked == []


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"[[1.0, NaN]]", "vector 0 .* not finite"),
        (b"[[1.0, Infinity]]", "vector 0 .* not finite"),
        (b"[[1.0, 1e39]]", "vector 0 .* not finite"),
        (b"[[1.0, null]]", "object"),
        (b'[["1.0", "2.0"]]', "<U3"),
        (b"[[true, false]]", "bool"),
        (b"[1.0]", "shape"),
        (b"[[]]", "shape"),
        (b"[[[1.0]]]", "shape"),
        (b"[[1.0, [2.0]]]", "no matrix"),
        (b'[{"indices": [1], "values": [1.0]}]', "object"),
        (b"[[1.0, 2.0, 3.0]]", "have 3 dimensions"),
    ],
    ids=lambda value: value.decode() if isinstance(value, bytes) else "",
)
def test_what_is_no_vector_is_wrong(script, body, message) -> None:
    script.answers.append(Answer(body=b'{"embeddings": ' + body + b"}"))

    with pytest.raises(WrongAnswerError, match=message):
        make(BOTH[0], script, dimensions=2)(["hello"])


def test_requests_must_agree_on_the_dimensions(script) -> None:
    script.answers += [said(embeddings=[[1.0]])]

    with pytest.raises(WrongAnswerError, match="1 and 2 dimensions"):
        make(BOTH[0], script, max_texts=1)(["a", "b"])


SPARSE = {"indices": [1, 7], "values": [0.5, 2]}


def test_sparse_vectors_are_chromadbs_own(script) -> None:
    labelled = SPARSE | {"labels": ["a", "b"]}
    script.answers += [said(embeddings=[SPARSE]), said(embeddings=[labelled])]

    plain = make(BOTH[1], script)(["x"])
    named = make(BOTH[1], script, labels=True).embed_query(["x"])

    assert [body["fetch_labels"] for body in script.asked] == [False, True]
    assert script.paths == ["/embed_sparse"] * 2
    (vector,) = plain
    assert (vector.indices, vector.values, vector.labels) == ([1, 7], [0.5, 2], None)
    assert named[0].labels == ["a", "b"]


def test_the_empty_sparse_vector_is_one(script) -> None:
    script.answers.append(said(embeddings=[{"indices": [], "values": []}]))

    (vector,) = make(BOTH[1], script)(["x"])

    assert (vector.indices, vector.values) == ([], [])


@pytest.mark.parametrize(
    "vector",
    [
        [0.5, 2],
        None,
        {"indices": [1]},
        {"indices": [1], "values": [1.0, 2.0]},
        {"indices": [7, 1], "values": [1.0, 2.0]},
        {"indices": [1, 1], "values": [1.0, 2.0]},
        {"indices": [-1], "values": [1.0]},
        {"indices": ["1"], "values": [1.0]},
        {"indices": [1], "values": [None]},
        {"indices": [1], "values": [float("nan")]},
        {"indices": [1], "values": [1.0], "labels": []},
    ],
    ids=json.dumps,
)
def test_what_is_no_sparse_vector_is_wrong(script, vector) -> None:
    script.answers.append(said(embeddings=[vector]))

    with pytest.raises(WrongAnswerError):
        make(BOTH[1], script)(["x"])
