"""gpu.p2p: the matrix of direct access, and whom a bad cell blames."""

from __future__ import annotations

import pytest

from bringup.commands import Ended
from bringup.errors import NotApplicable, ParseError
from bringup.judging import judged
from bringup.model import Verdict
from bringup.parsers.nvidia_smi_p2p import READ, parse


def matrix(count: int, bad: dict[tuple[int, int], str] | None = None) -> str:
    """The layout of the tool (invented; no captured one)."""
    lines = [" \t" + "".join(f"GPU{n}\t" for n in range(count))]
    for row in range(count):
        cells = ["X" if row == to else (bad or {}).get((row, to), "OK") for to in range(count)]
        lines.append(f" GPU{row}\t" + "".join(f"{cell}\t" for cell in cells))
    legend = (
        "\n\nLegend:\n\n  X    = Self\n  OK   = Status Ok\n  CNS  = Chipset not supported\n  U    = Unknown\n"
    )
    return "\n".join(lines) + legend


@pytest.fixture
def judge(load_check, node, hgx, make_outputs):
    def judge(text, **context):
        return judged(load_check("gpu/p2p.py"), node, make_outputs({READ: text}), hgx(**context))

    return judge


def bad(outcome) -> list[tuple[str, object]]:
    return [(m.at, m.value) for m in outcome.measurements if not m.ok]


def test_all_gpus_reach_each_other(judge) -> None:
    outcome = judge(matrix(8))
    assert (outcome.verdict, outcome.findings, len(outcome.measurements)) == (Verdict.PASS, (), 8)


@pytest.mark.parametrize("more", [{}, {"nvlink.domain_nodes": 1}])
def test_cards_with_bridges_are_not_judged(load_check, node, hgx, more) -> None:
    context = hgx(facts={"gpu.count": 4, "nvlink.links": 12, "nvlink.fabric_manager": False, **more})
    with pytest.raises(NotApplicable, match="does not say that NVLink joins each two of its GPUs"):
        load_check("gpu/p2p.py").plan(node, context)


def test_two_cards_that_share_all_links_are_judged(judge) -> None:
    outcome = judge(
        matrix(2, {(0, 1): "NS", (1, 0): "NS"}),
        facts={"gpu.count": 2, "nvlink.links": 12, "nvlink.fabric_manager": False},
        limits={"nvlink.pair_links": ("==", 12)},
    )
    assert (outcome.verdict, bad(outcome)) == (Verdict.FAIL, [("gpu-001", 2)])


def test_a_gpu_that_reaches_nobody_is_the_only_one_to_blame(judge) -> None:
    cells = {(5, n): "NS" for n in range(8) if n != 5} | {(n, 5): "NS" for n in range(8) if n != 5}
    outcome = judge(matrix(8, cells))
    assert outcome.verdict is Verdict.FAIL
    assert bad(outcome) == [("gpu-001/gpu/5", 7)]


def test_a_gpu_that_is_not_reached_is_blamed_too(judge) -> None:
    outcome = judge(matrix(8, {(n, 3): "TNS" for n in range(8) if n != 3}))
    assert outcome.verdict is Verdict.FAIL
    assert bad(outcome) == [("gpu-001/gpu/3", 7)]


def test_seven_of_eight(judge) -> None:
    outcome = judge(matrix(7))
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "GPU-MISSING")


@pytest.mark.parametrize(
    "text", ["", "bash: nvidia-smi: error\n", matrix(8)[:200], matrix(3).replace("OK", "MAYBE")]
)
def test_unreadable(judge, text) -> None:
    outcome = judge(text)
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "OUTPUT-UNKNOWN")


def test_missing_tool(judge, answer) -> None:
    outcome = judge(answer(ended=Ended.MISSING, detail="nvidia-smi"))
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "TOOL-MISSING")


@pytest.mark.parametrize("facts", [{"gpu.count": 1}, {"nvlink.links": 0}, {"gpu.vendor": "amd"}])
def test_where_it_does_not_apply(load_check, node, hgx, facts) -> None:
    with pytest.raises(NotApplicable):
        load_check("gpu/p2p.py").plan(node, hgx(facts=facts))


def test_a_table_whose_rows_are_not_its_columns() -> None:
    with pytest.raises(ParseError):
        parse(matrix(3).replace(" GPU2\tOK", " GPU7\tOK"))


def test_a_driver_that_does_not_answer_is_no_matrix(judge, answer, corpus_text) -> None:
    outcome = judge(answer(corpus_text("nvidia-smi-errors/03-cannot-communicate-with-driver.txt"), status=9))
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "GPU-DRIVER")
