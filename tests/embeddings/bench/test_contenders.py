"""Who is measured here, and what is expected."""

import pytest

from embeddings.bench import contenders
from embeddings.bench.plan import Kind


def test_all_forms_of_the_engine_are_listed_lacking_or_not(tmp_path):
    names = [one.name for one in contenders.in_process(tmp_path)]

    assert names[:5] == [
        "torch float32",
        "openvino float32",
        "openvino bfloat16",
        "encode",
        "matrix products",
    ]


def test_a_processor_without_bfloat16_is_the_reason(tmp_path, monkeypatch):
    monkeypatch.setattr(contenders, "supported_precisions", lambda: ("float32",))

    found = {one.name: one.lacks for one in contenders.in_process(tmp_path)}

    assert found["openvino bfloat16"] == "this processor has no bfloat16"
    assert found["openvino float32"] == ""


def test_without_openvino_torch_serves(tmp_path, monkeypatch):
    monkeypatch.setattr(contenders, "default_runtime", lambda _: "torch")

    found = {one.name: one.lacks for one in contenders.in_process(tmp_path)}

    assert "not installed" in found["openvino float32"]
    assert {one.runtime for one in contenders.servers(tmp_path)} == {"torch"}


def test_servers_differ_in_processes(tmp_path):
    found = contenders.servers(tmp_path)

    assert [(one.name, one.processes) for one in found] == [
        ("HTTP, 1 process", 1),
        ("HTTP, 2 processes", 2),
    ]
    assert {one.kind for one in found} == {Kind.SERVER}


@pytest.mark.parametrize("side", ["of", "to"])
def test_targets_name_contenders_that_exist(tmp_path, side):
    names = {one.name for one in contenders.in_process(tmp_path)}
    names |= {one.name for one in contenders.servers(tmp_path)}

    for target in contenders.targets(tmp_path):
        assert getattr(target, side).contender in names | {contenders.INFINITY}
