"""The model of a fabric with seeded culprits, and the search for them, as the benchmark plays it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def _load(name: str) -> ModuleType:
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


@pytest.fixture(scope="session")
def fabric() -> ModuleType:
    """`FabricModel` and `Culprits`."""
    return _load("fabric_model")


@pytest.fixture(scope="session")
def search(fabric: ModuleType) -> ModuleType:
    """`localise(model)`: rounds of pairs, confirmation, defects."""
    return _load("localisation")
