"""The simulated mscclpp-test prints what the parser knows, and leaves nothing."""

from __future__ import annotations

import pytest

from bringup.inventory.types import FaultSpec, Params
from bringup.parsers import mscclpp_test

JOB = mscclpp_test.job("mpirun", "allreduce_test_perf", 8, ("-b", "1G", "-e", "2G", "-f", "2"))


def test_a_healthy_node(healthy):  # type: ignore[no-untyped-def]
    out = healthy.output("gpu-001", JOB)
    assert (out.status, mscclpp_test.parse_log(out.text)) == (0, mscclpp_test.Log(8, 2, 0, True, 0))
    found = mscclpp_test.results(out.text)
    assert [(r.name, r.ranks, r.size_bytes >> 30) for r in found] == [
        ("allreduce", 8, 1),
        ("allreduce", 8, 2),
    ]
    assert found[1].busbw_gbs == pytest.approx(found[1].algbw_gbs * 2 * 7 / 8)


def test_wrong_results(lab):  # type: ignore[no-untyped-def]
    here = lab(faults=[FaultSpec("wrong-results", ("gpu-001",), Params({"gpu": 3, "count": 7}))])
    log = mscclpp_test.parse_log(here.output("gpu-001", JOB).text)
    assert log == mscclpp_test.Log(8, 2, 14, True, 2)


def test_a_missing_gpu(lab):  # type: ignore[no-untyped-def]
    here = lab(faults=[FaultSpec("gpu-lost", ("gpu-001",), Params({"gpu": 3}))])
    out = here.output("gpu-001", JOB)
    assert out.status == 134 and "invalid device ordinal" in out.error_text
    assert mscclpp_test.parse_log(out.text) is None
