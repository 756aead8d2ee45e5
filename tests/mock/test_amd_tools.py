"""The simulated AMD tools, read by the product's own parsers and compared with the simulated parts."""

from __future__ import annotations

import json

import pytest

from bringup.mock import SHAPES
from bringup.mock.hardware import Presence
from bringup.parsers import amd_smi, amd_smi_tables, nccl_tests, rocm_smi, rocm_smi_tables

AMD = ("mi300x", "mi325x", "mi355x")


@pytest.mark.parametrize("shape", AMD)
@pytest.mark.parametrize("form", ["", " --json"])
def test_list_and_static_give_the_model_back(shape, form, shaped):  # type: ignore[no-untyped-def]
    lab, s = shaped(shape), SHAPES[shape]
    listed = amd_smi.parse_gpus(lab.sh("n-001", f"amd-smi list{form}").stdout)
    assert [(g.index, g.address) for g in listed] == [(i, f"0000{bdf}") for i, bdf in enumerate(s.gpu_bdfs)]
    assert len({g.uuid for g in listed}) == 8
    for gpu in amd_smi.parse_gpus(lab.sh("n-001", f"amd-smi static{form}").stdout):
        assert (gpu.name, gpu.device_id, gpu.memory_mib, gpu.max_width, gpu.max_gts, gpu.driver) == (
            s.gpu.name, f"0x{s.gpu.device_id}", s.gpu.memory_mib, 16, 32, s.driver,
        )  # fmt: skip
        assert gpu.oam is not None and 0 <= gpu.oam < 8


@pytest.mark.parametrize("form", ["", " --json"])
def test_metric_tells_what_the_gpus_do(form, shaped):  # type: ignore[no-untyped-def]
    lab = shaped("mi300x")
    node = lab.served.hardware("n-001")
    seen = amd_smi.parse_metrics(lab.sh("n-001", f"amd-smi metric{form}").stdout)
    for metric, gpu in zip(seen, node.gpus, strict=True):
        assert (metric.index, metric.pcie_width, metric.pcie_gts, metric.throttle) == (
            gpu.index, 16, 32, None,
        )  # fmt: skip
        assert (metric.correctable, metric.uncorrectable, metric.edge_c) == (0, 0, None)
        assert metric.hotspot_c == gpu.temperature_c + 8


def test_json_has_the_envelope_of_its_release(shaped):  # type: ignore[no-untyped-def]
    old = json.loads(shaped("mi300x").sh("n-001", "amd-smi static --json").stdout)
    new = json.loads(shaped("mi355x").sh("n-001", "amd-smi static --json").stdout)
    assert isinstance(old, list) and set(new) == {"gpu_data"}
    assert old[0]["vram"]["size"] == {"value": 196592, "unit": "MB"}


def test_json_has_every_key_of_a_real_one(shaped, corpus):  # type: ignore[no-untyped-def]
    real = json.loads(corpus("amd-smi/07-static-json-envelope-shortened.json"))["gpu_data"][0]
    mine = json.loads(shaped("mi355x").sh("n-001", "amd-smi static --json").stdout)["gpu_data"][0]
    assert {f"{a}/{b}" for a in real if isinstance(real[a], dict) for b in real[a]} <= {
        f"{a}/{b}" for a in mine if isinstance(mine[a], dict) for b in mine[a]
    }


@pytest.mark.parametrize(("file", "verb", "sections"), [
    ("amd-smi/02-metric-text.txt", "metric", ("usage", "power")),
    ("amd-smi/06-static-text.txt", "static", ("asic", "bus")),
])  # fmt: skip
def test_text_has_the_keys_of_a_real_one(file, verb, sections, shaped, corpus):  # type: ignore[no-untyped-def]
    real = dict(amd_smi.trees(corpus(file)))[0]
    mine = dict(amd_smi.trees(shaped("mi300x").sh("n-001", f"amd-smi {verb}").stdout))[0]
    for section in sections:
        assert set(real[section]) - set(mine[section]) <= {"vcn_activity"}


@pytest.mark.parametrize("shape", AMD)
def test_topology_joins_all_gpus_by_xgmi(shape, shaped, corpus):  # type: ignore[no-untyped-def]
    tables = amd_smi_tables.parse_topology(shaped(shape).sh("n-001", "amd-smi topology").stdout)
    real = amd_smi_tables.parse_topology(corpus("amd-smi/04-topology-text.txt"))
    assert set(real) <= set(tables)
    assert set(tables["ACCESS TABLE"].values()) == set(real["ACCESS TABLE"].values())
    assert set(tables["WEIGHT TABLE"].values()) == set(real["WEIGHT TABLE"].values())
    kinds = [word for (a, b), word in tables["LINK TYPE TABLE"].items() if a != b]
    assert kinds == ["XGMI"] * 56
    as_json = json.loads(shaped(shape).sh("n-001", "amd-smi topology --json").stdout)
    rows = as_json["gpu_data"] if isinstance(as_json, dict) else as_json
    assert {link["link_type"] for row in rows for link in row["links"]} == {"XGMI", "SELF"}


@pytest.mark.parametrize(("shape", "lane", "most"), [("mi300x", 32, 512), ("mi355x", 38.25, 612)])
def test_xgmi_tells_rate_and_traffic(shape, lane, most, shaped):  # type: ignore[no-untyped-def]
    links = amd_smi_tables.parse_xgmi(shaped(shape).sh("n-001", "amd-smi xgmi").stdout)
    assert {(g.rate_gbps, g.most_gbps, g.type) for g in links} == {(lane, most, "XGMI")}
    for gpu in links:
        assert [peer for peer, kb in gpu.read_kb.items() if kb is None] == [gpu.address]
        assert all(kb for peer, kb in gpu.written_kb.items() if peer != gpu.address)


def test_firmware_bad_pages_and_processes(shaped):  # type: ignore[no-untyped-def]
    lab = shaped("mi300x")
    firmware = json.loads(lab.sh("n-001", "amd-smi firmware --json").stdout)
    assert len(firmware) == 8 and firmware[0]["fw_list"][0] == {"fw_id": "CP_MEC1", "fw_version": "162"}
    for_root = json.loads(lab.sh("n-001", "sudo -n amd-smi bad-pages --json").stdout)
    assert {row["retired"] for row in for_root} == {"No bad pages found."}
    for_others = json.loads(lab.sh("n-001", "amd-smi bad-pages --json").stdout)
    assert {row["retired"] for row in for_others} == {"N/A"}
    assert amd_smi.parse_processes(lab.text("n-001", amd_smi.PROCESS)) == ()


def test_a_broken_link_a_lost_gpu_and_a_missing_driver_show(shaped):  # type: ignore[no-untyped-def]
    lab = shaped("mi325x")
    node = lab.served.hardware("n-003")
    node.gpus[2].down_links.add(0)  # its link to GPU 0
    tables = amd_smi_tables.parse_topology(lab.sh("n-003", "amd-smi topology").stdout)
    pairs = [(a, b) for (a, b), word in tables["LINK TYPE TABLE"].items() if word == "PCIE"]
    assert {frozenset(pair) for pair in pairs} == {
        frozenset((f"0000{node.gpus[0].bdf}", f"0000{node.gpus[2].bdf}"))
    }
    assert len(pairs) == 2
    node.gpus[5].presence = Presence.LOST
    listed = amd_smi.parse_gpus(lab.text("n-003", amd_smi.LIST))
    assert [g.index for g in listed] == [0, 1, 2, 3, 4, 6, 7]
    node.driver_loaded = False
    assert lab.sh("n-003", "amd-smi list --json").returncode == 255


def test_rocm_smi_agrees_with_amd_smi(shaped):  # type: ignore[no-untyped-def]
    lab = shaped("mi300x")
    node = lab.served.hardware("n-001")
    for text in (lab.text("n-001", rocm_smi.ALL), lab.sh("n-001", "rocm-smi -a").stdout):
        smi = rocm_smi.parse(text)
        assert smi.driver == node.driver
        assert [(c.index, c.address, c.device_id, c.name, c.vram_bytes) for c in smi.cards] == [
            (g.index, f"0000{g.bdf}", "0x74a1", g.name, g.memory_mib << 20) for g in node.gpus
        ]
    links = rocm_smi.parse(lab.text("n-001", rocm_smi.ALL)).links
    assert len(links) == 28 and {own["Link type"] for own in links.values()} == {"XGMI"}
    topology = rocm_smi_tables.parse_topology(lab.text("n-001", rocm_smi_tables.TOPOLOGY))
    assert set(topology) == {"Weight between two GPUs", "Hops between two GPUs", "Link Type between two GPUs"}


def test_the_overview_has_the_columns_of_a_real_one(shaped, corpus):  # type: ignore[no-untyped-def]
    mine = rocm_smi_tables.parse_overview(shaped("mi300x").text("n-001", rocm_smi_tables.OVERVIEW))
    real = rocm_smi_tables.parse_overview(corpus("rocm-smi/06-table-mi300x-x4.txt"))
    assert list(mine[0].cells) == list(real[0].cells)
    assert (mine[0].name, mine[0].cells["PwrCap"]) == (real[0].name, real[0].cells["PwrCap"])


def test_the_collective_prints_the_lines_of_rccl(shaped):  # type: ignore[no-untyped-def]
    lab = shaped("mi300x")
    text = lab.text("n-001", nccl_tests.all_reduce("all_reduce_perf", 8))
    (test,) = nccl_tests.parse(text)
    assert "\nRCCL version : 2." in text and "\nrccl-tests: Version " in text and "Group" not in text
    assert [(r.device, r.bus, r.gpu) for r in test.ranks] == [
        (g.index, g.bdf, "AMD Instinct MI300X") for g in lab.served.hardware("n-001").gpus
    ]
    assert test.concluded and test.wrong == 0
    assert test.largest.out_of_place.busbw_gbs == pytest.approx(316, rel=0.01)
    pair = lab.text("n-001", nccl_tests.all_reduce_pair("mpirun", "all_reduce_perf", ("n-001", "n-002"), 8))
    (both,) = nccl_tests.parse(pair)
    assert len(both.ranks) == 16 and both.largest.out_of_place.busbw_gbs > 350
