"""nccl-tests and rccl-tests logs of every layout: results, hangs, failures, wrong results."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bringup.errors import ParseError
from bringup.parsers import nccl_tests
from bringup.parsers.nccl_tests import Collective, Half, Rank, Row

GIB8 = 8589934592
# file: (name, ranks, rows, largest size, its busbw out of place and in place, average, wrong, out of bounds, concluded)
Summary = tuple[str | None, int, int, int, float, float, float, int | None, int, bool]
OK: dict[str, list[Summary]] = {
    "01-allreduce-a100x8-old-fmt.txt": [(None, 8, 34, GIB8, 235.26, 235.03, 68.4048, None, 0, True)],
    "02-alltoall-a100x8-blank-redop.txt": [(None, 8, 34, GIB8, 224.31, 226.16, 58.6481, None, 0, True)],
    "03-broadcast-a100x8-root-col.txt": [(None, 8, 34, GIB8, 232.81, 234.70, 64.8653, None, 0, True)],
    "04-reduce-a100x8-redop-and-root.txt": [(None, 8, 34, GIB8, 228.38, 228.83, 65.018, None, 0, True)],
    "05-allgather-a100x8.txt": [(None, 8, 34, GIB8, 223.39, 230.07, 58.2651, None, 0, True)],
    "06-reducescatter-a100x8.txt": [(None, 8, 34, GIB8, 231.52, 231.25, 60.168, None, 0, True)],
    "12-five-collectives-one-log-h100x8.txt": [
        ("all_reduce_perf", 8, 10, 17179869184, 481.30, 480.82, 437.99, 0, 0, True),
        ("all_gather_perf", 8, 10, 17179869184, 361.80, 366.08, 328.463, 0, 0, True),
        ("reduce_scatter_perf", 8, 10, 17179869184, 364.54, 364.96, 330.771, 0, 0, True),
        ("alltoall_perf", 8, 10, 17179869184, 347.88, 347.60, 312.59, 0, 0, True),
        ("sendrecv_perf", 8, 10, 17179869184, 367.02, 366.78, 279.967, 0, 0, True),
    ],
    "13-pair-ok-2gpu.txt": [
        ("alltoall_perf", 2, 3, 17179869184, 38.84, 43.72, 41.2951, 0, 0, True),
        ("sendrecv_perf", 2, 3, 17179869184, 43.78, 43.76, 43.7587, 0, 0, True),
    ],
    "14-allreduce-2node-a100x16.txt": [(None, 16, 29, 1073741824, 177.59, 177.98, 45.8465, 0, 0, True)],
    "15-allreduce-very-old-error-column.txt": [
        (None, 0, 29, 2147483648, 22.92, 22.85, 7.76739, None, 0, True)
    ],
    "16-allreduce-16gpu-ib-no-validation.txt": [(None, 0, 16, GIB8, 187.22, 187.05, 56.3994, None, 0, True)],
    "17-allreduce-16gpu-ipoib-fallback-slow.txt": [(None, 0, 16, GIB8, 3.15, 3.09, 1.38997, None, 0, True)],
    "18-allreduce-16gpu-a4-hashes-stripped.txt": [(None, 0, 11, GIB8, 683.52, 679.54, 165.789, 0, 0, True)],
    "19-allreduce-16gpu-h100-machinefile-preamble.txt": [
        (None, 16, 5, 17179869184, 471.22, 470.75, 464.075, 0, 0, True)
    ],
    "20-allreduce-mpirun-tag-output-2.18.txt": [
        ("all_reduce_perf_mpi", 2, 8, 134217728, 2.30, 2.31, 1.57614, 0, 0, True)
    ],
    "21-dcgm-mock-pass-iters-column.txt": [("all_reduce_perf", 1, 1, 33554432, 0.0, 0.0, 0.0, 0, 0, True)],
    "22-dcgm-mock-out-of-bounds-failed.txt": [("all_reduce_perf", 1, 1, 33554432, 0.0, 0.0, 0.0, 2, 2, True)],
    "23-dcgm-mock-avg-bw-failed.txt": [("all_reduce_perf", 1, 1, 33554432, 0.0, 0.0, 0.0, 0, 0, True)],
}
# these lack a clean result: file: (name, ranks, rows, failure lines, concluded, cut)
BROKEN: dict[str, list[tuple[str | None, int, int, int, bool, bool]]] = {
    "07-alltoall-then-sendrecv-hang-truncated.txt": [
        ("alltoall_perf", 2, 10, 0, True, False),
        ("sendrecv_perf", 2, 0, 0, False, False),
    ],
    "08-alltoall-remote-exited.txt": [("alltoall_perf", 2, 0, 7, False, False)],
    "09-alltoall-4gpu-comm-init-failure-all-ranks.txt": [("alltoall_perf", 8, 0, 8, False, False)],
    "10-alltoall-4gpu-failure-reported-by-other-node.txt": [
        ("alltoall_perf", 8, 0, 6, False, False),
        ("sendrecv_perf", 8, 0, 8, False, False),
    ],
    "11-alltoall-hang-no-rows-no-error.txt": [("alltoall_perf", 8, 0, 0, False, False)],
}
RCCL: dict[str, list[tuple[str | None, int, int, int, bool, bool]]] = {
    "01-mi350x-x2-header-and-first-row.txt": [("all_reduce_perf", 2, 0, 0, False, True)],
    "02-mi300x-16rank-header.txt": [(None, 7, 0, 0, False, False)],
}
PEAKS = {
    "05-allgather-a100x8.txt": 230.07,
    "06-reducescatter-a100x8.txt": 231.52,
    "14-allreduce-2node-a100x16.txt": 183.66,
    "15-allreduce-very-old-error-column.txt": 22.92,
    "17-allreduce-16gpu-ipoib-fallback-slow.txt": 3.17,
    "18-allreduce-16gpu-a4-hashes-stripped.txt": 683.52,
    "19-allreduce-16gpu-h100-machinefile-preamble.txt": 471.22,
}


def test_every_captured_file_has_an_expectation(corpus: Path) -> None:
    assert {f.name for f in (corpus / "nccl-tests").iterdir()} <= {*OK, *BROKEN}
    assert {f.name for f in (corpus / "rccl-tests").iterdir()} <= set(RCCL)


@pytest.mark.parametrize("name", OK)
def test_results(read: Callable[[str], str], name: str) -> None:
    tests = nccl_tests.parse(read(f"nccl-tests/{name}"))
    assert [_summary(t) for t in tests] == OK[name]
    assert [t.cut for t in tests] == [False] * len(tests)


def _summary(test: Collective) -> Summary:
    last = test.largest
    assert test.average_busbw_gbs is not None and test.out_of_bounds is not None
    return (
        test.name,
        len(test.ranks),
        len(test.rows),
        last.size_bytes,
        last.out_of_place.busbw_gbs,
        last.in_place.busbw_gbs,
        test.average_busbw_gbs,
        test.wrong,
        test.out_of_bounds,
        test.concluded,
    )


@pytest.mark.parametrize("name", PEAKS)
def test_peaks(read: Callable[[str], str], name: str) -> None:
    (test,) = nccl_tests.parse(read(f"nccl-tests/{name}"))
    assert test.peak_busbw_gbs == PEAKS[name]


@pytest.mark.parametrize(
    ("folder", "name", "wanted"),
    [*(("nccl-tests", n, w) for n, w in BROKEN.items()), *(("rccl-tests", n, w) for n, w in RCCL.items())],
)
def test_no_clean_result(
    read: Callable[[str], str],
    folder: str,
    name: str,
    wanted: list[tuple[str | None, int, int, int, bool, bool]],
) -> None:
    tests = nccl_tests.parse(read(f"{folder}/{name}"))
    assert [(t.name, len(t.ranks), len(t.rows), len(t.failures), t.concluded, t.cut) for t in tests] == wanted


def test_a_hang_has_no_row_to_judge(read: Callable[[str], str]) -> None:
    (test,) = nccl_tests.parse(read("nccl-tests/11-alltoall-hang-no-rows-no-error.txt"))
    with pytest.raises(ParseError, match="alltoall_perf printed no row"):
        test.largest  # noqa: B018


def test_the_columns_of_a_row(read: Callable[[str], str]) -> None:
    def first(name: str) -> Row:
        return nccl_tests.parse(read(f"nccl-tests/{name}"))[0].rows[0]

    assert first("12-five-collectives-one-log-h100x8.txt") == Row(
        33554432,
        4194304,
        "double",
        "sum",
        None,
        Half(182.98, 183.38, 320.91, 0),
        Half(182.42, 183.94, 321.89, 0),
    )
    assert (
        first("02-alltoall-a100x8-blank-redop.txt").redop,
        first("02-alltoall-a100x8-blank-redop.txt").root,
    ) == (
        None,
        None,
    )
    assert (
        first("03-broadcast-a100x8-root-col.txt").redop,
        first("03-broadcast-a100x8-root-col.txt").root,
    ) == (None, 0)
    assert (
        first("04-reduce-a100x8-redop-and-root.txt").redop,
        first("04-reduce-a100x8-redop-and-root.txt").root,
    ) == (
        "sum",
        0,
    )
    in_place = first("22-dcgm-mock-out-of-bounds-failed.txt").in_place
    assert in_place == Half(0.11, 291905.0, 0.0, 1)


def test_a_rounding_difference_is_no_count(read: Callable[[str], str]) -> None:
    (test,) = nccl_tests.parse(read("nccl-tests/15-allreduce-very-old-error-column.txt"))
    assert (test.wrong, test.out_of_bounds) == (None, 0)


def test_the_word_behind_the_average(read: Callable[[str], str]) -> None:
    (test,) = nccl_tests.parse(read("nccl-tests/23-dcgm-mock-avg-bw-failed.txt"))
    assert (test.average_failed, test.failures) == (
        True,
        (".. testhost pid 12345: Test failure common.cu:1126",),
    )
    (healthy,) = nccl_tests.parse(read("nccl-tests/21-dcgm-mock-pass-iters-column.txt"))
    assert (healthy.average_failed, healthy.failures) == (False, ())


def test_two_ranks_on_one_gpu_are_seen(read: Callable[[str], str]) -> None:
    (test,) = nccl_tests.parse(read("nccl-tests/20-allreduce-mpirun-tag-output-2.18.txt"))
    assert test.ranks == (
        Rank(0, 2994447, "lab", 0, "0000:02:00", "NVIDIA GeForce RTX 5090", 0),
        Rank(1, 2994448, "lab", 0, "0000:02:00", "NVIDIA GeForce RTX 5090", 0),
    )


def test_amd_ranks_have_another_form(read: Callable[[str], str]) -> None:
    (test,) = nccl_tests.parse(read("rccl-tests/02-mi300x-16rank-header.txt"))
    assert [r.rank for r in test.ranks] == [9, 10, 11, 12, 13, 14, 15]
    assert test.ranks[0] == Rank(9, 366642, "gpu-56", 1, "0000:25:00.0", "AMD Instinct MI300X")


NEW = """# nccl-tests version 2.19.6 nccl-headers=22907 nccl-library=22907
# Collective test starting: all_reduce_perf
# nThread 1 nGpus 8 minBytes 8589934592 maxBytes 8589934592 step: 2(factor) warmup iters: 5 iters: 20 agg iters: 1 validation: 1 graph: 0 unalign: 0
#
# Using devices
#  Rank  0 Group  0 Pid   4242 on    gpu-001 device  0 [0000:1b:00] NVIDIA H100 80GB HBM3
#
{header}
{row}
# Out of bounds values : 0 OK
# Avg bus bandwidth    : 481.3
#
# Collective test concluded: all_reduce_perf
"""  # noqa: E501


def test_newest_columns() -> None:  # invented from the tool's source
    per_iteration = NEW.format(
        header="#   size  count  type  redop  root  time  algbw  busbw  #wrong  i_min  i_max  i_p99  i_cv%"
        "  time  algbw  busbw  #wrong  i_min  i_max  i_p99  i_cv%  timestamp",
        row="  8589934592  2147483648  float  sum  -1  31209.6  275.2  481.6  0  31000.1  31500.2  31490.0  0.44"
        "  31237.0  275.0  481.2  1e+06  31000.1  31500.2  31490.0  0.44  2026-07-09 16:03:21",
    )
    cpu_time = NEW.format(
        header="#  size  count  type  redop  root  cputime  algbw  busbw  #wrong  cputime  algbw  busbw  #wrong",
        row="  8589934592  2147483648  float  sum  -1  31209.6  275.2  481.6  N/A  31237.0  275.0  481.2  N/A",
    )
    (wide,), (narrow,) = nccl_tests.parse(per_iteration), nccl_tests.parse(cpu_time)
    assert wide.rows == (
        Row(
            GIB8,
            2147483648,
            "float",
            "sum",
            None,
            Half(31209.6, 275.2, 481.6, 0),
            Half(31237.0, 275.0, 481.2, 10**6),
        ),
    )
    assert (wide.wrong, narrow.wrong) == (10**6, None)
    assert narrow.largest.out_of_place == Half(31209.6, 275.2, 481.6, None)


def test_a_failure_before_the_test_begins_is_kept() -> None:
    text = (  # invented from the tool's source
        "gpu-001: Test CUDA failure common.cu:1001 'system not yet initialized'\n"
        "# nThread 1 nGpus 8 minBytes 8 maxBytes 128 step: 2(factor) warmup iters: 5 iters: 20\n"
    )
    (test,) = nccl_tests.parse(text)
    assert test.failures == ("gpu-001: Test CUDA failure common.cu:1001 'system not yet initialized'",)
    (alone,) = nccl_tests.parse(text.splitlines()[0])
    assert alone == Collective(failures=test.failures)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no test began"),
        ("mpirun was unable to launch the specified application\n", "no test began"),
        (
            NEW.format(header="#  size  count  type  time  algbw  busbw  #wrong", row="8 2 float 1 1 1 0"),
            "header",
        ),
        (
            NEW.format(
                header="#  size count type time algbw busbw x time algbw busbw y",
                row="8 2 float 1 1 1 0 1 1 1 0",
            ),
            "header",
        ),
        (
            NEW.format(
                header="#  size count type time algbw busbw #wrong time algbw busbw #wrong",
                row="8 2 float 1 1 inf 0 1 1 1 0",
            ),
            "not a number",
        ),
        (
            NEW.format(
                header="#  size count type time algbw busbw #wrong time algbw busbw #wrong",
                row="8 2 float 1 1 1 0.5 1 1 1 0",
            ),
            "not a count",
        ),
        (
            NEW.format(
                header="#  size count type time algbw busbw #wrong time algbw busbw #wrong",
                row="8 2 float sum -1 1 1 1 0 1 1 1 0",
            ),
            "does not fit",
        ),
    ],
)
def test_unknown(text: str, says: str) -> None:
    with pytest.raises(ParseError, match=says):
        nccl_tests.parse(text)


@pytest.mark.parametrize("name", [*OK, *BROKEN])
def test_cut_off_at_any_place_is_never_concluded(read: Callable[[str], str], name: str) -> None:
    text = read(f"nccl-tests/{name}")
    end_of_last = text.rfind("Avg bus bandwidth")
    for end in range(0, len(text), 37):
        try:
            tests = nccl_tests.parse(text[:end])
        except ParseError:
            continue
        assert all(isinstance(t, Collective) for t in tests)
        if end <= end_of_last:
            assert sum(t.concluded for t in tests) < len(OK.get(name, [])) or name in BROKEN


@given(st.text())
def test_any_text_gives_tests_or_a_parse_error(text: str) -> None:
    _parse_anything(text)


@given(
    st.lists(
        st.sampled_from(
            [*NEW.split(), "\n", "#", "8", "2", "float", "1e400", "time", "algbw", "busbw", "root"]
        )
    )
)
def test_any_words_give_tests_or_a_parse_error(words: list[str]) -> None:
    _parse_anything(" ".join(words))


@given(st.text(alphabet="0123456789. -e\tnaifsum", max_size=80))
def test_any_row_gives_tests_or_a_parse_error(row: str) -> None:
    _parse_anything(
        NEW.format(
            header="# size count type redop root time algbw busbw #wrong time algbw busbw #wrong", row=row
        )
    )


def _parse_anything(text: str) -> None:
    try:
        tests = nccl_tests.parse(text)
    except ParseError:
        return
    assert tests and all(isinstance(t, Collective) for t in tests)


def test_the_command_for_one_node() -> None:
    command = nccl_tests.all_reduce("/opt/nccl tests/all_reduce_perf", 8)
    assert command.script == (
        "NCCL_DEBUG=INFO NCCL_DEBUG_SUBSYS=INIT,NET '/opt/nccl tests/all_reduce_perf' -b 1G -e 8G -f 2 -g 8 -n 20 -w 5 -c 1\n"
    )
    assert (command.alone, command.timeout_s, command.needs) == (
        True,
        300.0,
        ("/opt/nccl tests/all_reduce_perf",),
    )


def test_the_command_for_two_nodes() -> None:
    command = nccl_tests.all_reduce_pair(
        "mpirun", "all_reduce_perf", ("10.0.0.1", "$(x)"), 8, ("mlx5_0", "mlx5_3")
    )
    assert command.script == (
        "mpirun -np 16 -H '10.0.0.1:8,$(x):8' --map-by ppr:8:node --bind-to none --allow-run-as-root"
        " -x NCCL_DEBUG=INFO -x NCCL_DEBUG_SUBSYS=INIT,NET -x NCCL_IB_HCA==mlx5_0,mlx5_3"
        " all_reduce_perf -b 8G -e 8G -g 1 -n 20 -w 5 -c 1\n"
    )
    assert (command.alone, command.needs) == (True, ("mpirun", "all_reduce_perf"))
