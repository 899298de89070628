"""What Google's bodies may hold."""

import pytest

from embeddings.dialects.google_bodies import TASK_TYPES, asked, batch, counted
from embeddings.engine.spec import Role, Truncate
from embeddings.errors import ApiError


def content(*texts: str) -> dict[str, object]:
    return {"parts": [{"text": text} for text in texts]}


def text_of(body: dict[str, object]) -> str:
    ((text,), _) = asked(body)
    return text


def ask_of(**fields: object):
    return asked({"content": content("a"), **fields})[1]


@pytest.mark.parametrize(
    ("name", "number", "role"),
    [
        ("TASK_TYPE_UNSPECIFIED", 0, Role.NONE),
        ("RETRIEVAL_QUERY", 1, Role.QUERY),
        ("RETRIEVAL_DOCUMENT", 2, Role.DOCUMENT),
        ("SEMANTIC_SIMILARITY", 3, Role.NONE),
        ("CLASSIFICATION", 4, Role.NONE),
        ("CLUSTERING", 5, Role.NONE),
        ("QUESTION_ANSWERING", 6, Role.QUERY),
        ("FACT_VERIFICATION", 7, Role.QUERY),
        ("CODE_RETRIEVAL_QUERY", 8, Role.QUERY),
    ],
)
def test_task_types_are_roles(name: str, number: int, role: Role) -> None:
    assert ask_of(taskType=name).role is role
    assert ask_of(task_type=name).role is role
    assert ask_of(taskType=number).role is role


def test_nothing_asked_is_nothing_asked() -> None:
    for fields in ({}, {"taskType": None, "outputDimensionality": None, "title": None}):
        ask = ask_of(**fields)

        assert (ask.role, ask.dimensions, ask.truncate) == (Role.NONE, None, None)


@pytest.mark.parametrize(
    "value", ["", "retrieval_query", "SEARCH", -1, len(TASK_TYPES), True, 1.0, [], {}]
)
def test_another_task_type_is_refused(value) -> None:
    with pytest.raises(ApiError, match="invalid value at 'taskType'") as caught:
        ask_of(taskType=value)

    assert caught.value.status_code == 400


@pytest.mark.parametrize("name", ["outputDimensionality", "output_dimensionality"])
def test_dimensions_are_a_positive_integer(name: str) -> None:
    assert ask_of(**{name: 64}).dimensions == 64
    for value in (0, -1, "64", 64.0, True, []):
        with pytest.raises(ApiError, match="outputDimensionality"):
            ask_of(**{name: value})


@pytest.mark.parametrize("name", ["autoTruncate", "auto_truncate"])
@pytest.mark.parametrize(
    ("value", "truncate"), [(True, Truncate.END), (False, Truncate.ERROR)]
)
def test_the_caller_may_say_what_is_cut(name, value, truncate) -> None:
    assert ask_of(**{name: value}).truncate is truncate


@pytest.mark.parametrize("value", [1, "true", [], {}])
def test_auto_truncate_is_a_boolean(value) -> None:
    with pytest.raises(ApiError, match="autoTruncate"):
        ask_of(autoTruncate=value)


@pytest.mark.parametrize(
    ("task_type", "text"),
    [
        ("RETRIEVAL_DOCUMENT", "Sky\nblue"),
        (2, "Sky\nblue"),
        ("RETRIEVAL_QUERY", "blue"),
        (None, "blue"),
    ],
)
def test_a_title_heads_a_document_alone(task_type, text: str) -> None:
    body = {"content": content("blue"), "title": "Sky", "taskType": task_type}

    assert text_of(body) == text
    assert text_of({**body, "title": ""}) == "blue"


def test_a_title_is_text() -> None:
    with pytest.raises(ApiError, match="title"):
        ask_of(title=5)


def test_parts_are_one_text_and_only_text_counts() -> None:
    picture = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}
    parts = [{"text": " a "}, picture, {"text": "b"}, {"text": None}]

    assert text_of({"content": {"parts": parts}}) == " a \nb"


@pytest.mark.parametrize(
    "value",
    [
        None,
        "hello",
        [],
        5,
        {},
        {"parts": None},
        {"parts": []},
        {"parts": "hello"},
        {"parts": {"text": "hello"}},
        {"parts": ["hello"]},
        {"parts": [{}]},
        {"parts": [{"text": ""}]},
        {"parts": [{"text": "a"}, {"text": ""}]},
        {"parts": [{"text": 5}]},
        {"parts": [{"text": ["a"]}]},
        {"parts": [{"inlineData": {}}]},
    ],
    ids=repr,
)
def test_a_content_without_text_is_refused(value) -> None:
    with pytest.raises(ApiError) as caught:
        asked({"content": value})

    assert caught.value.status_code == 400


@pytest.mark.parametrize("value", [None, [], {}, "x", [5], [None], [[]], [{}, 1]])
def test_a_batch_is_a_list_of_requests(value) -> None:
    with pytest.raises(ApiError, match="requests"):
        batch({"requests": value})


def test_what_is_wrong_is_found_in_its_place() -> None:
    good, bad = {"content": content("a")}, {"content": content("a", "")}

    with pytest.raises(ApiError, match=r"'requests\[1\].content' contains an empty"):
        batch({"requests": [good, bad]})


def test_kinds_that_are_embedded_alike_may_be_mixed() -> None:
    kinds = (1, "QUESTION_ANSWERING", "FACT_VERIFICATION")

    texts, ask = batch(
        {"requests": [{"content": content("a"), "taskType": kind} for kind in kinds]}
    )

    assert texts == ("a", "a", "a")
    assert ask.role is Role.QUERY


@pytest.mark.parametrize(
    "fields",
    [{"taskType": 2}, {"outputDimensionality": 8}, {"autoTruncate": True}],
    ids=repr,
)
def test_the_requests_of_a_batch_ask_for_the_same(fields) -> None:
    one = {"content": content("a")}

    with pytest.raises(ApiError, match="must ask for the same"):
        batch({"requests": [one, {**one, **fields}]})


@pytest.mark.parametrize("name", ["generateContentRequest", "generate_content_request"])
def test_contents_are_counted_inside_of_a_request_too(name: str) -> None:
    contents = [content("a", "b"), content("c")]

    assert counted({"contents": contents}) == ("a\nb", "c")
    assert counted({name: {"contents": contents, "tools": []}}) == ("a\nb", "c")


@pytest.mark.parametrize(
    "body",
    [{}, {"contents": []}, {"contents": "x"}, {"generateContentRequest": 5}],
    ids=repr,
)
def test_nothing_to_count_is_refused(body) -> None:
    with pytest.raises(ApiError) as caught:
        counted(body)

    assert caught.value.status_code == 400
