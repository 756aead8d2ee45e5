"""Programs that load a simulated node: what they print is read by the same parsers and comes from the same parts."""

from __future__ import annotations

import re

import pytest

from bringup.battery import perf
from bringup.context import Context
from bringup.model import Node
from bringup.parsers import gpu_bandwidth, gpu_load, gpu_samples, host_memory, inside, nvme_speed
from bringup.profile import load as profile

NODE = Node("gpu-001", profile="hgx-h100")
CONTEXT = Context({"hgx-h100": profile("hgx-h100")})
LOAD = perf.load_command(NODE, CONTEXT)
BANDWIDTH = perf.bandwidth_command(NODE, CONTEXT)


def loaded(lab) -> tuple[gpu_load.Report, tuple[gpu_samples.Series, ...]]:  # type: ignore[no-untyped-def]
    found = inside.parse(lab.text("gpu-001", LOAD))
    part = found.one(gpu_load.LOAD)
    assert part is not None and part.status == 0
    return gpu_load.parse(part.text), gpu_samples.parse([one.text for one in found.all(gpu_samples.SAMPLE)])


def bandwidth(lab) -> gpu_bandwidth.Bandwidth:  # type: ignore[no-untyped-def]
    found = gpu_bandwidth.read(inside.parse(lab.text("gpu-001", BANDWIDTH)))
    assert found is not None
    return found


@pytest.fixture
def in_tmp(lab):  # type: ignore[no-untyped-def]
    """Make a cluster whose commands find their scratch directory, as they do below bringup's own script."""

    def make(*args, **more):  # type: ignore[no-untyped-def]
        made = lab(*args, **more)
        run = made.sh
        object.__setattr__(
            made, "sh", lambda node, script, **env: run(node, f"TMP=$TMPDIR; export TMP\n{script}", **env)
        )
        return made

    return make


def test_a_healthy_node_under_load(in_tmp) -> None:  # type: ignore[no-untyped-def]
    report, series = loaded(in_tmp())
    assert (report.backend, report.peers) == ("cuda", None)
    assert [gpu.error for gpu in report.gpus] == [None] * 8
    for gpu in report.gpus:
        assert gpu.gemm is not None and gpu.gemm.bf16.tflops == pytest.approx(745, rel=0.003)
        assert gpu.compare is not None and (gpu.compare.wrong, gpu.compare.pattern_wrong) == (0, 0)
        assert gpu.copies is not None and gpu.copies.h2d_gbs == pytest.approx(55.4, rel=0.01)
        assert gpu.memory is None  # nvbandwidth measures it
    assert [len(one.samples) > 0 for one in series] == [True] * 8
    assert {(one.pcie_gen, one.pcie_width, one.held) for one in series} == {(5, 16, ())}
    assert all(60 <= (one.highest(lambda s: s.temperature_c) or 0) <= 70 for one in series)
    assert all(1680 <= (one.median(lambda s: s.sm_mhz) or 0) <= 1740 for one in series)


def test_at_rest_nothing_shows_of_a_load(healthy) -> None:  # type: ignore[no-untyped-def]
    text = healthy.sh(
        "gpu-001",
        "nvidia-smi --query-gpu=utilization.gpu,clocks.sm,temperature.gpu --format=csv,noheader,nounits",
    )
    for line in text.stdout.splitlines():
        busy, clock, celsius = map(int, line.split(","))
        assert (busy, clock, celsius < 40) == (0, 345, True)


def test_nvbandwidth_measures_all_four(in_tmp) -> None:  # type: ignore[no-untyped-def]
    found = bandwidth(in_tmp())
    assert (len(found.to_gpu), len(found.from_gpu), len(found.peers or {})) == (8, 8, 56)
    assert found.memory is not None and found.memory[0] == pytest.approx(3038, rel=0.003)


def test_nvbandwidth_lists_its_tests_and_names_unknown_ones(healthy) -> None:  # type: ignore[no-untyped-def]
    assert "device_local_copy" in healthy.sh("gpu-001", "nvbandwidth -l").stdout
    answer = healthy.sh("gpu-001", "nvbandwidth -j -t device_local_copy no_such_test")
    assert re.findall(r'"status" : "(\w+)"', answer.stdout) == ["Passed", "ERROR"]


@pytest.mark.parametrize(
    ("kind", "params", "read", "bad"),
    [
        ("slow-copies", {"gpu": 2, "fraction": 0.6}, lambda b: b.to_gpu, {2}),
        ("slow-hbm", {"gpu": 3, "fraction": 0.6}, lambda b: b.memory, {3}),
        ("pcie-gen-stuck", {"gpu": 4, "gen": 3}, lambda b: b.from_gpu, {4}),
        ("pcie-width", {"gpu": 5, "width": 8}, lambda b: b.to_gpu, {5}),
        (
            "nvlink-down",
            {"gpu": 6, "link": 1},
            lambda b: {a: v for (a, c), v in b.peers.items() if c == (a + 1) % 8},
            {5, 6},
        ),
    ],
)
def test_faults_of_gpus_show_in_their_copies(in_tmp, kind, params, read, bad) -> None:  # type: ignore[no-untyped-def]
    values = read(bandwidth(in_tmp(kind, params=params)))
    best = max(values.values())
    assert {gpu for gpu, value in values.items() if value < 0.95 * best} == bad


def test_a_gpu_without_links_reaches_the_others_over_pcie(in_tmp) -> None:  # type: ignore[no-untyped-def]
    found = bandwidth(in_tmp("nvlink-all-down", params={"gpu": 1}))
    assert found.peers is not None
    assert found.peers[1, 2] == pytest.approx(55.4, rel=0.01) and found.peers[2, 3] > 380


@pytest.mark.parametrize(
    ("kind", "params", "clock", "reasons"),
    [
        ("gpu-clock-low", {"gpu": 1, "fraction": 0.5}, 0.5, ()),
        ("gpu-slowdown-under-load", {"gpu": 1}, 0.6, ("hw slowdown", "hw thermal slowdown")),
        (
            "gpu-slowdown-under-load",
            {"gpu": 1, "reason": "power-brake"},
            0.6,
            ("hw slowdown", "hw power brake slowdown"),
        ),
        ("gpu-power-capped", {"gpu": 1, "watts": 350}, 0.5, ()),
    ],
)
def test_faults_of_clocks_show_under_load(in_tmp, kind, params, clock, reasons) -> None:  # type: ignore[no-untyped-def]
    report, series = loaded(in_tmp(kind, params=params))
    slow, fine = (report.gpus[n].gemm for n in (1, 2))
    assert slow is not None and fine is not None
    assert slow.bf16.tflops / fine.bf16.tflops == pytest.approx(clock, rel=0.01)
    assert (series[1].median(lambda s: s.sm_mhz) or 0) < 0.7 * (series[2].median(lambda s: s.sm_mhz) or 0)
    assert (series[1].held, series[2].held) == (reasons, ())
    capped = any((sample.reasons or 0) & 0x4 for sample in series[1].samples)
    assert capped == (kind == "gpu-power-capped")


def test_wrong_results_show_in_products(in_tmp) -> None:  # type: ignore[no-untyped-def]
    report, _ = loaded(in_tmp("wrong-results", params={"gpu": 7, "count": 3}))
    assert [gpu.compare and gpu.compare.wrong for gpu in report.gpus] == [0] * 7 + [3]


@pytest.mark.parametrize(
    ("kind", "said"),
    [("fabric-manager-down", "system not yet initialized"), ("driver-down", "No CUDA GPUs are available")],
)
def test_where_cuda_does_not_start_nothing_runs(in_tmp, kind, said) -> None:  # type: ignore[no-untyped-def]
    made = in_tmp(kind)
    report, series = loaded(made)
    assert {gpu.error for gpu in report.gpus} == {f"RuntimeError: {said}"}
    assert all(not one.samples for one in series)
    assert said in made.output("gpu-001", BANDWIDTH).text


def test_a_missing_tool_leaves_its_tests_to_the_program(in_tmp) -> None:  # type: ignore[no-untyped-def]
    report, _ = loaded(in_tmp("missing-tool", params={"tool": "nvbandwidth"}))
    assert report.peers is not None and len(report.peers) == 8
    assert all(gpu.memory is not None for gpu in report.gpus)


def test_amds_gpus_have_one_link_to_each_other_one(shaped) -> None:  # type: ignore[no-untyped-def]
    lab = shaped("mi300x")
    node = Node("n-001", profile="mi300x")
    command = perf.load_command(node, Context({"mi300x": profile("mi300x")}))
    text = lab.sh("n-001", f"TMP=$TMPDIR; export TMP\n{command.script}").stdout
    part = inside.parse(text).one(gpu_load.LOAD)
    assert part is not None
    report = gpu_load.parse(part.text)
    assert (report.backend, len(report.gpus), len(report.peers or ())) == ("hip", 8, 8)
    assert report.peers is not None and report.peers[0][1] == pytest.approx(64 * 0.82, rel=0.003)


def test_the_own_program_and_nothing_else_is_known(healthy) -> None:  # type: ignore[no-untyped-def]
    assert healthy.sh("gpu-001", "python3 --version").stdout.startswith("Python 3.")
    for script in ("python3 -c 'print(1)'", "echo 'print(1)' | python3 -", "python3 x.py"):
        refused = healthy.sh("gpu-001", script)
        assert (refused.returncode, "This node is simulated" in refused.stderr) == (1, True)


# ------------------------------------------------------------------------------------- the machine around


def speed(lab) -> float:  # type: ignore[no-untyped-def]
    part = inside.parse(lab.text("gpu-001", host_memory.own(3))).one(host_memory.OWN)
    assert part is not None
    return host_memory.parse_own(part.text).copy_gbs


def test_memory_of_the_processors(in_tmp) -> None:  # type: ignore[no-untyped-def]
    assert speed(in_tmp()) == pytest.approx(480, rel=0.003)
    assert speed(in_tmp("host-memory-slow", params={"fraction": 0.5})) == pytest.approx(240, rel=0.003)
    assert speed(in_tmp("memory-missing", params={"gib": 512})) == pytest.approx(360, rel=0.003)


def drives(lab) -> dict[str, float | None]:  # type: ignore[no-untyped-def]
    return {d.name: d.gbs for d in nvme_speed.parse(lab.text("gpu-001", nvme_speed.read(3)))}


def test_drives(in_tmp) -> None:  # type: ignore[no-untyped-def]
    found = drives(in_tmp())
    assert list(found) == [f"nvme{n}n1" for n in range(9)]
    assert found["nvme0n1"] == pytest.approx(3.1, rel=0.003) and found["nvme3n1"] == pytest.approx(
        6.9, rel=0.003
    )
    slow = drives(in_tmp("nvme-slow", params={"drive": 2, "fraction": 0.5}))
    assert slow["nvme2n1"] == pytest.approx(3.45, rel=0.003)
    assert "nvme1n1" not in drives(in_tmp("nvme-dead", params={"drive": 1}))


def test_only_root_reads_a_drive_and_nobody_writes(healthy) -> None:  # type: ignore[no-untyped-def]
    words = "--name=a --filename=$BRINGUP_ROOT/dev/nvme1n1 --readonly --rw=read --output-format=json"
    assert "Permission denied" in healthy.sh("gpu-001", f"fio {words}").stderr
    assert healthy.sh("gpu-001", f"sudo -n fio {words}").returncode == 0
    assert healthy.sh("gpu-001", f"sudo -n fio {words.replace('=read', '=write')}").returncode == 1
    assert healthy.sh("gpu-001", f"sudo -n fio {words.replace('nvme1n1', 'sda')}").returncode == 1
