"""The simulated collectives: what they measure on healthy and on faulty parts, and how they fail."""

from __future__ import annotations

import pytest

from bringup.inventory.types import FaultSpec, Params
from bringup.parsers import nccl_json, nccl_tests
from bringup.parsers.nccl_transport import Way, parse

BINARY = "all_reduce_perf"


def one_node(lab, node="gpu-001"):  # type: ignore[no-untyped-def]
    return lab.output(node, nccl_tests.all_reduce(BINARY, 8))


def pair(lab, hosts=("gpu-001", "gpu-002"), hcas=()):  # type: ignore[no-untyped-def]
    return lab.output(hosts[0], nccl_tests.all_reduce_pair("mpirun", BINARY, hosts, 8, hcas))


def test_eight_gpus_reach_their_plateau(healthy):  # type: ignore[no-untyped-def]
    out = one_node(healthy)
    (test,) = nccl_tests.parse(out.text)
    node = healthy.served.hardware("gpu-001")
    assert (out.status, test.name, test.concluded, test.wrong, test.out_of_bounds) == (0, BINARY, True, 0, 0)
    assert [(r.host, r.device, r.bus) for r in test.ranks] == [
        ("gpu-001", g.index, g.bdf[:-2]) for g in node.gpus
    ]
    assert [row.size_bytes >> 30 for row in test.rows] == [1, 2, 4, 8]
    assert 478 < test.largest.out_of_place.busbw_gbs < 484
    row = test.largest.out_of_place
    assert row.busbw_gbs == pytest.approx(row.algbw_gbs * 2 * 7 / 8, rel=1e-3)
    assert row.algbw_gbs == pytest.approx(test.largest.size_bytes / row.time_us / 1000, rel=1e-3)


def test_small_messages_are_far_from_the_plateau(healthy):  # type: ignore[no-untyped-def]
    (test,) = nccl_tests.parse(healthy.sh("gpu-001", "all_reduce_perf -b 1M -e 1G -f 2 -g 8 -w 5").stdout)
    busbw = [row.out_of_place.busbw_gbs for row in test.rows]
    assert len(busbw) == 11 and busbw == sorted(busbw) and busbw[0] < 40


def test_two_nodes_are_bound_by_nvlink_not_by_the_wire(healthy):  # type: ignore[no-untyped-def]
    out = pair(healthy)
    (test,) = nccl_tests.parse(out.text)
    assert out.status == 0 and test.concluded
    assert [r.host for r in test.ranks] == ["gpu-001"] * 8 + ["gpu-002"] * 8
    assert 462 < test.largest.out_of_place.busbw_gbs < 476


def test_one_gpu_of_each_node_measures_one_rail(healthy):  # type: ignore[no-untyped-def]
    done = healthy.sh(
        "gpu-001",
        "mpirun -np 2 -H gpu-001:1,gpu-002:1 -x NCCL_IB_HCA==mlx5_4 all_reduce_perf -b 8G -e 8G -g 1",
    )
    (test,) = nccl_tests.parse(done.stdout)
    assert 44 < test.largest.out_of_place.busbw_gbs < 47


@pytest.mark.parametrize(
    ("kind", "params", "low", "high"),
    [
        ("nvlink-down", {"gpu": 2, "link": 7}, 450, 458),
        ("nvlink-slow", {"gpu": 2, "link": 7, "gbs": 13.281}, 464, 471),
        ("nvls-off", {}, 364, 372),
    ],
)
def test_the_weakest_nvlink_sets_the_pace_of_a_node(lab, kind, params, low, high):  # type: ignore[no-untyped-def]
    (test,) = nccl_tests.parse(one_node(lab(kind, params=params)).text)
    assert low < test.largest.out_of_place.busbw_gbs < high


def test_a_slow_port_slows_a_pair_only_when_the_wire_is_the_limit(lab):  # type: ignore[no-untyped-def]
    here = lab("slow-hca", params={"hca": "mlx5_9", "fraction": 0.45})
    (all_rails,) = nccl_tests.parse(pair(here).text)
    assert 300 < all_rails.largest.out_of_place.busbw_gbs < 310
    (without,) = nccl_tests.parse(pair(here, hcas=("mlx5_0", "mlx5_3")).text)
    assert without.largest.out_of_place.busbw_gbs < 180


def test_without_a_usable_port_the_job_crawls_over_tcp(lab):  # type: ignore[no-untyped-def]
    faults = [
        FaultSpec("port-down", ("gpu-002",), Params({"hca": f"mlx5_{n}"})) for n in (0, 3, 4, 5, 6, 9, 10, 11)
    ]
    out = pair(lab(faults=faults))
    (test,) = nccl_tests.parse(out.text)
    assert out.status == 0 and test.largest.out_of_place.busbw_gbs < 3


@pytest.mark.parametrize(
    ("kind", "params", "said"),
    [
        ("gpu-lost", {"gpu": 4}, "invalid device ordinal"),
        ("gpu-missing", {"gpu": 4}, "invalid device ordinal"),
        ("fabric-manager-down", {}, "system not yet initialized"),
        ("fabric-state", {"gpu": 1}, "system not yet initialized"),
        ("driver-down", {}, "CUDA driver version is insufficient"),
    ],
)
def test_a_node_without_all_its_gpus_fails_with_cudas_words(lab, kind, params, said):  # type: ignore[no-untyped-def]
    out = one_node(lab(kind, params=params))
    assert out.status == 2 and f"Test CUDA failure common.cu:1071 '{said}" in out.text


def test_a_fabric_that_lets_nothing_through_is_reported_by_the_other_node(lab):  # type: ignore[no-untyped-def]
    out = pair(lab("rdma-refuses", params={"hca": "mlx5_9"}))
    (test,) = nccl_tests.parse(out.text)
    assert out.status == 3 and not test.concluded and test.rows == ()
    assert test.failures[0].startswith("gpu-002: Test NCCL failure")


def test_wrong_results_are_counted_and_end_the_test(lab):  # type: ignore[no-untyped-def]
    out = one_node(lab("wrong-results", params={"gpu": 3, "count": 12}))
    (test,) = nccl_tests.parse(out.text)
    assert out.status == 1 and test.wrong == 12 * 8 and test.out_of_bounds == 12 * 8


def test_hosts_that_cannot_be_reached_end_the_job(lab):  # type: ignore[no-untyped-def]
    here = lab(faults=[FaultSpec("unreachable", ("gpu-002",), Params({"how": "refused"}))])
    out = pair(here)
    assert out.status == 1 and "connect to host gpu-002 port 22: Connection refused" in out.error_text
    assert "Could not resolve hostname gpu-077" in pair(here, ("gpu-001", "gpu-077")).error_text


def test_mpirun_runs_plain_programs_on_every_host(healthy):  # type: ignore[no-untyped-def]
    done = healthy.sh(
        "gpu-001", "mpirun --allow-run-as-root --mca btl tcp,self -np 2 -H gpu-001,gpu-003 hostname"
    )
    assert done.stdout == "gpu-001\ngpu-003\n"


def test_the_json_report_holds_the_same_figures(healthy):  # type: ignore[no-untyped-def]
    done = healthy.sh(
        "gpu-001", "cd $TMPDIR && all_reduce_perf -b 1G -e 8G -f 2 -g 8 -J out.json && cat out.json"
    )
    text, _, document = done.stdout.partition("{\n")
    (from_text,), from_json = nccl_tests.parse(text), nccl_json.parse("{\n" + document)
    assert from_json.concluded and len(from_json.rows) == 4
    assert from_json.largest.out_of_place.busbw_gbs == pytest.approx(
        from_text.largest.out_of_place.busbw_gbs, rel=1e-3
    )


def test_a_hanging_collective_prints_its_header_and_no_row(lab):  # type: ignore[no-untyped-def]
    here = lab("hanging-tool", params={"tool": BINARY})
    done = here.sh("gpu-001", f"timeout 2 {BINARY} -b 8G -e 8G -g 8")
    (test,) = nccl_tests.parse(done.stdout)
    assert done.returncode == 124 and not test.concluded and len(test.ranks) == 8


def test_the_log_tells_which_way_it_went(healthy):  # type: ignore[no-untyped-def]
    rails = {h.name for h in healthy.served.hardware("gpu-001").fabric_hcas}
    usual = Way(networks={"IB"}, hcas=rails, nvls=set(range(8)))
    assert parse(one_node(healthy).text) == {"gpu-001": usual}
    both = parse(pair(healthy).text)
    assert both == {
        name: Way({"IB"}, rails, direct=16, nvls=set(range(8))) for name in ("gpu-001", "gpu-002")
    }


def test_the_log_of_nodes_that_go_another_way(lab):  # type: ignore[no-untyped-def]
    off = lab("nvls-off")
    assert parse(one_node(off).text)["gpu-001"].no_nvls == set(range(8))
    assert parse(pair(off).text)["gpu-002"].no_nvls == set()
    down = [
        FaultSpec("port-down", ("gpu-002",), Params({"hca": f"mlx5_{n}"})) for n in (0, 3, 4, 5, 6, 9, 10, 11)
    ]
    ways = parse(pair(lab(faults=down)).text)
    assert ways["gpu-002"] == Way({"Socket"}, over_sockets=16, nvls=set(range(8)))


def test_a_job_split_by_rail_runs_a_collective_for_each_gpu_of_a_node(lab):  # type: ignore[no-untyped-def]
    """The slowest rail counts, and nothing goes over NVLink."""

    def split(cluster, program: str):  # type: ignore[no-untyped-def]
        done = cluster.sh(
            "gpu-001",
            "mpirun -np 16 -H gpu-001:8,gpu-002:8 -x NCCL_TESTS_SPLIT='MOD 8' -x NCCL_MNNVL_ENABLE=0"
            f" {program}_perf -b 8G -e 8G -g 1 -a 3",
        )
        (test,) = nccl_tests.parse(done.stdout)
        return test

    test = split(lab(), "all_reduce")
    assert [rank.group for rank in test.ranks] == [*range(8)] * 2
    row = test.largest.out_of_place
    assert 44 < row.busbw_gbs < 47 and row.algbw_gbs == pytest.approx(row.busbw_gbs, rel=1e-3)
    slow = lab("slow-hca", params={"hca": "mlx5_4", "fraction": 0.5})
    assert 21 < split(slow, "all_reduce").largest.out_of_place.busbw_gbs < 24
    assert 21 < split(slow, "sendrecv").largest.out_of_place.busbw_gbs < 24
