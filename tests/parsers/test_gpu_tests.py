"""Load and bandwidth tests: nvbandwidth, p2pBandwidthLatencyTest, gpu_burn, IMEX domains, mscclpp-test."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bringup.errors import ParseError
from bringup.parsers import (
    gpu_burn,
    mscclpp_test,
    nvbandwidth,
    nvbandwidth_text,
    nvidia_imex,
    p2p_bandwidth,
)
from bringup.parsers.gpu_burn import Gpu
from bringup.parsers.nvidia_imex import Node
from bringup.parsers.p2p_bandwidth import Device

Read = Callable[[str], str]

# file -> version, driver, passed, waived, and some sums
NVBANDWIDTH: dict[str, tuple[str, str, int, int, dict[str, float]]] = {
    "01-v06-gh200-all-text.txt": (
        "v0.6",
        "550.54.15",
        15,
        17,
        {
            "host_to_device_memcpy_ce": 1985.60,
            "device_to_host_memcpy_ce": 607.26,
            "host_to_device_bidirectional_memcpy_ce": 176.92,
            "host_device_latency_sm": 772.58,
        },
    ),
    "02-json-full.json": (
        "v0.5",
        "565.02",
        15,
        17,
        {"host_to_device_memcpy_ce": 12.396361291250001, "device_to_host_memcpy_ce": 13.200093726},
    ),
    "03-json-with-garbage-before-and-after.txt": (
        "v0.5",
        "565.02",
        15,
        17,
        {"host_to_device_memcpy_ce": 12.396361291250001, "host_device_latency_sm": 649.87858038348088},
    ),
    "04-v02-h800x8-full-text.txt": (
        "v0.2",
        "525.105.17",
        30,
        0,
        {
            "host_to_device_memcpy_ce": 442.52,
            "device_to_host_memcpy_ce": 441.05,
            "device_to_device_memcpy_read_ce": 9643.22,
            "device_to_device_memcpy_write_ce": 9861.63,
            "device_to_device_bidirectional_memcpy_read_sm": 16898.01,
        },
    ),
}


def bandwidth_reader(name: str) -> Callable[[str], nvbandwidth.Report]:
    return nvbandwidth.parse if "json" in name else nvbandwidth_text.parse


# file -> devices, peers, and title -> figures between the GPUs
P2P: dict[
    str, tuple[tuple[Device, ...], dict[tuple[int, int], bool], dict[tuple[str, str], tuple[float, ...]]]
] = {
    "01-rtx6000ada-x2-p2p.txt": (
        (
            Device(0, "NVIDIA RTX 6000 Ada Generation", "00000000:c1:00.0"),
            Device(1, "NVIDIA RTX 6000 Ada Generation", "00000000:c2:00.0"),
        ),
        {(0, 1): True, (1, 0): True},
        {
            ("P2P Connectivity", ""): (1.0, 1.0),
            ("Unidirectional P2P=Disabled Bandwidth", ""): (22.23, 22.32),
            ("Unidirectional P2P=Enabled Bandwidth (P2P Writes)", ""): (26.32, 26.32),
            ("Bidirectional P2P=Disabled Bandwidth", ""): (31.42, 31.45),
            ("Bidirectional P2P=Enabled Bandwidth", ""): (52.11, 52.10),
            ("P2P=Disabled Latency", "GPU"): (10.90, 10.46),
            ("P2P=Disabled Latency", "CPU"): (4.74, 4.86),
            ("P2P=Enabled Latency (P2P Writes)", "GPU"): (1.12, 1.14),
            ("P2P=Enabled Latency (P2P Writes)", "CPU"): (1.32, 1.32),
        },
    ),
    "03-h100pcie-x2-nvlink-bridge.txt": (
        (),
        {},
        {
            ("Unidirectional P2P=Disabled Bandwidth", ""): (26.10, 25.00),
            ("Unidirectional P2P=Enabled Bandwidth (P2P Writes)", ""): (256.62, 256.99),
            ("Bidirectional P2P=Disabled Bandwidth", ""): (35.17, 35.23),
            ("Bidirectional P2P=Enabled Bandwidth", ""): (509.35, 509.15),
        },
    ),
}
A100 = "NVIDIA A100-SXM4-80GB"
BURN: dict[str, tuple[Gpu, ...]] = {
    "01-a100x8-ok.txt": tuple(
        Gpu(n, True, A100, uuid, float(gflops), 0, hottest)
        for n, (uuid, gflops, hottest) in enumerate(
            (
                ("GPU-b876c63f-396c-f826-5cd0-6b8409990352", 16942, 62),
                ("GPU-3f38364f-09ad-250f-5aea-564e405504f6", 17093, 59),
                ("GPU-0263142c-1fa3-5a88-7390-8118632bc351", 16957, 58),
                ("GPU-d94678ee-fe06-e7de-6313-6c6db8542035", 16926, 60),
                ("GPU-f3388c27-eae3-6f33-bce8-2c20acdf2a81", 16890, 60),
                ("GPU-eddccf9f-ca78-9402-3377-660305c27bfe", 16950, 59),
                ("GPU-0df232aa-4ecd-f6af-a06e-2607f1dd4993", 17010, 58),
                ("GPU-b07c7bf3-4549-25d9-cec2-999db25a20a6", 16926, 61),
            )
        )
    ),
    "02-a400-faulty-tail.txt": (Gpu(0, False, None, None, 3064.0, 30454599, 70),),
}
NODES18 = "48.81 48.98 48.221 49.228 50.39 50.44 51.66 51.157 52.239 53.80 54.95 54.183 54.203 54.241 55.59 55.187 55.197 56.47"
IMEX: dict[str, tuple[Node, ...]] = {
    "01-ctl-N-1node-up.txt": (Node(0, "10.136.206.48", "READY"),),
    "02-ctl-N-2node-up-trailing-noise.txt": (
        Node(0, "10.136.206.47", "READY"),
        Node(1, "10.136.206.48", "READY"),
    ),
    "03-ctl-N-18node-up-version-column.txt": tuple(
        Node(n, f"172.31.{end}", "READY", "570.172") for n, end in enumerate(NODES18.split())
    ),
}
# file -> how many results, and one of them
MSCCLPP: dict[str, tuple[int, int, mscclpp_test.Result]] = {
    "01-perf-ndmv5.jsonl": (
        10,
        3,
        mscclpp_test.Result("allgather", 2, 16, 8, 3221225472, 430.62, 403.70, 7480.40, "throughput"),
    ),
    "02-perf-ndmv4.jsonl": (
        19,
        0,
        mscclpp_test.Result("allgather", 1, 8, 8, 1073741824, 291.52, 255.08, 3683.13, "throughput"),
    ),
}


def test_every_captured_file_has_an_expectation(captured: Callable[[str], dict[str, str]]) -> None:
    for tool, files in (
        ("nvbandwidth", NVBANDWIDTH),
        ("p2pBandwidthLatencyTest", P2P),
        ("gpu-burn", BURN),
        ("nvidia-imex", IMEX),
        ("mscclpp-test", MSCCLPP),
    ):
        assert set(captured(tool)) <= set(files)


@pytest.mark.parametrize("name", NVBANDWIDTH)
def test_captured_nvbandwidth(read: Read, name: str) -> None:
    version, driver, passed, waived, sums = NVBANDWIDTH[name]
    report = bandwidth_reader(name)(read(f"nvbandwidth/{name}"))
    good = {r.name: r for r in report.tests if r.status == "Passed"}
    assert (report.version, report.driver, len(good), report.waived) == (version, driver, passed, waived)
    assert {key: good[key].total for key in sums} == sums
    assert {r.unit for r in good.values()} <= {"GB/s", "ns"}


def test_an_nvbandwidth_matrix(read: Read) -> None:
    report = nvbandwidth_text.parse(read("nvbandwidth/04-v02-h800x8-full-text.txt"))
    write = next(r for r in report.tests if r.name == nvbandwidth.DEVICE_TO_DEVICE_WRITE)
    assert [row[n] for n, row in enumerate(write.matrix)] == [None] * 8
    assert (len(write.cells), min(write.cells), write.matrix[1][0]) == (56, 175.99, 176.14)
    edited = nvbandwidth_text.parse(read("nvbandwidth/01-v06-gh200-all-text.txt")).tests[0]
    assert edited.matrix == ((369.36, 269.33, 412.11), (323.36, 299.33, 312.11))


@pytest.mark.parametrize("name", P2P)
def test_captured_p2p(read: Read, name: str) -> None:
    report = p2p_bandwidth.parse(read(f"p2pBandwidthLatencyTest/{name}"))
    between = {(m.title, m.side): m.between() for m in report.matrices}
    assert (report.devices, report.peers, between) == P2P[name]
    assert {m.unit for m in report.matrices if "Latency" in m.title} <= {"us"}


@pytest.mark.parametrize("name", BURN)
def test_captured_gpu_burn(read: Read, name: str) -> None:
    assert gpu_burn.parse(read(f"gpu-burn/{name}")) == BURN[name]


@pytest.mark.parametrize("name", IMEX)
def test_captured_imex(read: Read, name: str) -> None:
    domain = nvidia_imex.parse(read(f"nvidia-imex/{name}"))
    assert (domain.state, domain.nodes, domain.broken) == ("UP", IMEX[name], ())
    assert len(domain.connections) == len(IMEX[name]) ** 2


def test_a_broken_imex_domain(read: Read) -> None:
    # invented: the second node is gone, and has another version
    text = read("nvidia-imex/02-ctl-N-2node-up-trailing-noise.txt")
    text = text.replace("10.136.206.48   - READY", "10.136.206.48   - UNAVAILABLE - Version: 570.1")
    text = text.replace("       0        C  C", "       0        C  !V!").replace(
        "State: UP", "State: DEGRADED"
    )
    text = text.replace("       1        C  C", "       1        N  I")
    domain = nvidia_imex.parse(text)
    assert (domain.state, domain.nodes[1]) == ("DEGRADED", Node(1, "10.136.206.48", "UNAVAILABLE", "570.1"))
    assert domain.broken == ((0, 1, "!V!"), (1, 0, "N"), (1, 1, "I"))


def test_codes_of_three_letters_that_touch_the_next_column(read: Read) -> None:
    # invented: the second node runs another version, and columns are as narrow as with few nodes
    text = read("nvidia-imex/02-ctl-N-2node-up-trailing-noise.txt")
    text = text.replace("       0        C  C", "       0        C  !V!")
    text = text.replace("       1        C  C", "       1        !V!C").replace(
        "State: UP", "State: DEGRADED"
    )
    domain = nvidia_imex.parse(text)
    assert domain.broken == ((0, 1, "!V!"), (1, 0, "!V!"))
    assert domain.trouble == {
        "10.136.206.47": "READY !V! with 10.136.206.48",
        "10.136.206.48": "READY !V! with 10.136.206.47",
    }


@pytest.mark.parametrize("name", MSCCLPP)
def test_captured_mscclpp(read: Read, name: str) -> None:
    size, place, row = MSCCLPP[name]
    found = mscclpp_test.parse(read(f"mscclpp-test/{name}"))
    assert (len(found), found[place]) == (size, row)


def test_gpu_burn_with_a_process_that_died() -> None:
    # invented values in the program's layout
    text = (
        "\r50.0%  proc'd: 100 (900 Gflop/s) - -1 (0 Gflop/s)   errors: 0 - -1  (DIED!)   temps: 60 C - -- \n"
        "Tested 2 GPUs:\n\tGPU 0: OK\n\tGPU 1: FAULTY\n"
    )
    assert gpu_burn.parse(text) == (
        Gpu(0, True, None, None, 900.0, 0, 60),
        Gpu(1, False, None, None, 0.0, 0, None, died=True),
    )


PARSERS: tuple[Callable[[str], object], ...] = (
    nvbandwidth.parse,
    nvbandwidth_text.parse,
    p2p_bandwidth.parse,
    gpu_burn.parse,
    nvidia_imex.parse,
    mscclpp_test.parse,
)


@pytest.mark.parametrize("parse", PARSERS)
@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "Segmentation fault\n",
        '{"nvbandwidth": {"error": "no CUDA-capable device is detected"}}',
        '{"nvbandwidth": {"testcases": []}}',
        '{"nvbandwidth": {"testcases": [{"name": "x", "status": "Passed"}]}}',
        "nvbandwidth Version: v0.6\nRunning host_to_device_memcpy_ce.\n",
        "nvbandwidth Version: v0.6\nRunning a.\nmemcpy (GB/s)\n 0\n 0 12.0 13.0\nSUM a 25.0\n",
        "Unidirectional P2P=Enabled Bandwidth Matrix (GB/s)\n D\\D 0 1\n 0 800.1 26.3\n",
        "Unidirectional P2P=Enabled Bandwidth Matrix (GB/s)\n D\\D 0 1\n 0 800.1 26.3\n 1 26.3\n",
        "Cuda failure p2pBandwidthLatencyTest.cu:178: 'all CUDA-capable devices are busy'\n",
        "Tested 2 GPUs:\n\tGPU 0: OK\n",
        "Tested 2 GPUs:\n\tGPU 0: OK\n\tGPU 0: OK\n",
        "Couldn't init a GPU test: No clients are alive!  Aborting\n",
        "Nodes:\nNode #0   - 10.0.0.1   - READY\nDomain State: UP\n",
        "Nodes:\nNode #0   - 10.0.0.1   - READY\n Nodes From\\To  0\n       0        C\n",
        "Nodes:\n Nodes From\\To  0  1\n       0        C\nDomain State: UP\n",
        '{"name":"allreduce", "kernel":6, "ranks":8}\n',
    ],
)
def test_cut_or_unknown(parse: Callable[[str], object], text: str) -> None:
    with pytest.raises(ParseError):
        parse(text)


def test_without_its_end_no_answer_is_whole(read: Read) -> None:
    for parse, name, step in (
        (nvbandwidth.parse, "nvbandwidth/02-json-full.json", 601),
        (nvidia_imex.parse, "nvidia-imex/02-ctl-N-2node-up-trailing-noise.txt", 13),
        (gpu_burn.parse, "gpu-burn/02-a400-faulty-tail.txt", 7),
    ):
        text = read(name).split("\nREADY stopAtReady")[0].rstrip()
        for end in range(0, len(text) - 1, step):
            with pytest.raises(ParseError):
                parse(text[:end])


@given(st.text())
def test_any_text_gives_rows_or_a_parse_error(text: str) -> None:
    heads = (
        "",
        "nvbandwidth Version: v0.6\nRunning a.\nmemcpy (GB/s)\n 0\n 0 ",
        "P2P=Enabled Latency Matrix (us)\n GPU 0\n 0 ",
        "Tested 1 GPUs:\n\tGPU 0: OK\n50.0%  proc'd: 1 (1 Gflop/s)   errors: 0   temps: ",
        " Nodes From\\To  0\nDomain State: ",
    )
    for head in heads:
        for parse in PARSERS:
            try:
                assert parse(head + text) is not None
            except ParseError:
                pass
    with pytest.raises(ParseError):
        mscclpp_test.parse(json.dumps({"name": text, "kernel": text}))
