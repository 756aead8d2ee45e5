"""dcgmi: discovery, versions, topology, and the diagnostic in JSON and as a table."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bringup.errors import ParseError
from bringup.parsers import dcgmi, dcgmi_diag, dcgmi_table
from bringup.parsers.dcgmi import Gpu, Path, Versions
from bringup.parsers.dcgmi_diag import FAIL, PASS, SKIP, WARN, Diagnosis, DiagTest, Result

Read = Callable[[str], str]

DEPLOYMENT = (
    "NVML Library",
    "CUDA Main Library",
    "Permissions and OS Blocks",
    "Persistence Mode",
    "Environment Variables",
    "Page Retirement/Row Remap",
    "Graphics Processes",
    "Inforom",
)


def one(name: str, status: str = PASS, category: str = "Deployment") -> DiagTest:
    return DiagTest(name, category, (Result(status),))


def facts(version: str, driver: str, devices: str) -> dict[str, str]:
    return {
        "DCGM Version": version,
        "Driver Version Detected": driver,
        "GPU Device IDs Detected": devices,
    }


H200X8 = ",".join(["2335"] * 8)
JSON: dict[str, Diagnosis] = {
    "04-diag-r1-json-pass.json": Diagnosis(tuple(one(n) for n in ("Blacklist", *DEPLOYMENT)), {}),
    "05-diag-r1-json-fail.json": Diagnosis(
        tuple(
            one(n, {"Persistence Mode": FAIL, "Environment Variables": WARN}.get(n, PASS))
            for n in ("Blacklist", *DEPLOYMENT)
        ),
        {},
    ),
}
TABLES: dict[str, Diagnosis] = {
    "06-diag-r3-table-rowremap-pending-excerpt.txt": Diagnosis(
        (), {}, False, ("GPU 3 has uncorrectable memory errors and row remappings are pending",)
    ),
    "07-diag-r2-table-thermal-fail-wrapped.txt": Diagnosis(
        (
            DiagTest(
                "GPU Memory",
                None,
                (Result(PASS, (1, 2, 3, 4, 5, 6, 7)), Result(FAIL, (0,))),
                (
                    "GPU 0 Thermal violations totaling 13.3 seconds started at 9.7 seconds into the test for GPU 0 "
                    "Verify that the cooling on this machine is functional, including external, thermal material "
                    "interface, fans, and any other components.",
                ),
            ),
        ),
        {},
        False,
    ),
    "08-diag-r2-table-dcgm442-new-names.txt": Diagnosis(
        (DiagTest("software", "Deployment", (Result(PASS), Result(PASS, (0,)))),),
        facts("4.4.2", "580.105.08", "2237"),
        False,
    ),
    "10-diag-r1-table-h200x8-dcgm318.txt": Diagnosis(
        (one("Denylist"), one("NVML Library"), one("CUDA Main Library")),
        facts("3.1.8", "550.127.08", H200X8),
        False,
    ),
    "12-diag-r3-full-table-pass-h200x8.txt": Diagnosis(
        (
            *(one(n) for n in ("Denylist", *DEPLOYMENT)),
            one("PCIe", category="Integration"),
            one("GPU Memory", category="Hardware"),
            one("Diagnostic", category="Hardware"),
            one("Targeted Stress", category="Stress"),
            one("Targeted Power", category="Stress"),
            one("Memory Bandwidth", category="Stress"),
            one("EUD Test", SKIP, category="Stress"),
        ),
        facts("3.3.9", "570.133.20", H200X8),
    ),
}
OTHERS = {"01-discovery-l-h800x8-dcgm318.txt", "02-v-version.txt", "03-topo-gpuid1-json.json"}


def test_every_captured_file_has_an_expectation(captured: Callable[[str], dict[str, str]]) -> None:
    assert set(captured("dcgmi")) <= {*JSON, *TABLES, *OTHERS}


@pytest.mark.parametrize("name", JSON)
def test_captured_json(read: Read, name: str) -> None:
    assert dcgmi_diag.parse(read(f"dcgmi/{name}")) == JSON[name]


@pytest.mark.parametrize("name", TABLES)
def test_captured_tables(read: Read, name: str) -> None:
    assert dcgmi_table.parse(read(f"dcgmi/{name}")) == TABLES[name]


def test_what_failed_and_where(read: Read) -> None:
    (memory,) = dcgmi_table.parse(read("dcgmi/07-diag-r2-table-thermal-fail-wrapped.txt")).tests
    assert (memory.worst, memory.gpus(FAIL), memory.gpus(PASS)) == (FAIL, (0,), (1, 2, 3, 4, 5, 6, 7))


def test_captured_discovery(read: Read) -> None:
    found = dcgmi.parse_discovery(read("dcgmi/01-discovery-l-h800x8-dcgm318.txt"))
    assert found.switches == 0
    assert [(g.id, g.name, g.address[9:11]) for g in found.gpus] == [
        (n, "NVIDIA H800", bus) for n, bus in enumerate(("18", "3e", "51", "65", "98", "bd", "cf", "e2"))
    ]
    assert found.gpus[0] == Gpu(
        0, "NVIDIA H800", "00000000:18:00.0", "GPU-34bf77d1-c686-6821-79a8-32d326c5039c"
    )


def test_captured_version(read: Read) -> None:
    text = read("dcgmi/02-v-version.txt")
    assert dcgmi.parse_version(text) == Versions("3.1.8", "3.1.8")
    assert dcgmi.parse_version(text.split("\n\n")[0]) == Versions("3.1.8", None)


def test_captured_topology(read: Read) -> None:
    assert dcgmi.parse_topo(read("dcgmi/03-topo-gpuid1-json.json")) == tuple(
        Path(1, peer, "Connected via a CPU-level link", tuple(range(8))) for peer in (0, 2, 3, 4, 5, 6, 7)
    )


def test_the_json_of_other_versions() -> None:
    # invented values; the shapes are those of DCGM 3 (lists with null, capital words) and 4 (entities, metadata)
    third = {
        "DCGM GPU Diagnostic": {
            "test_categories": [
                None,
                {
                    "category": "Hardware",
                    "tests": [
                        {
                            "name": "GPU Memory",
                            "results": [
                                {"gpu_ids": "0, 1", "status": "PASS"},
                                None,
                                {"gpu_id": "2", "status": "SKIPPED", "info": ["not allowed"]},
                            ],
                        }
                    ],
                },
            ],
            "version": "3.3.9",
        }
    }
    assert dcgmi_diag.parse(
        "Successfully ran diagnostic for group.\n" + json.dumps(third, indent=1)
    ) == Diagnosis(
        (DiagTest("GPU Memory", "Hardware", (Result(PASS, (0, 1)), Result(SKIP, (2,))), ("not allowed",)),),
        {"version": "3.3.9"},
    )
    fourth = {
        "DCGM Diagnostic": {
            "test_categories": [
                {
                    "category": "Deployment",
                    "tests": [
                        {
                            "name": "software",
                            "results": [
                                {
                                    "entity_group": "GPU",
                                    "entity_id": 5,
                                    "status": "Fail",
                                    "warnings": [
                                        {"error_id": 29, "warning": "Persistence mode is disabled."}
                                    ],
                                }
                            ],
                        }
                    ],
                }
            ]
        },
        "metadata": {"version": "4.5.3"},
    }
    assert dcgmi_diag.parse(json.dumps(fourth)) == Diagnosis(
        (DiagTest("software", "Deployment", (Result(FAIL, (5,)),), ("Persistence mode is disabled.",)),),
        {"version": "4.5.3"},
    )


def test_an_error_instead_of_tests() -> None:
    # invented
    text = json.dumps({"DCGM Diagnostic": {"runtime_error": "Unable to open CUDA"}})
    with pytest.raises(ParseError, match="Unable to open CUDA"):
        dcgmi_diag.parse(text)


PARSERS: tuple[Callable[[str], object], ...] = (
    dcgmi.parse_discovery,
    dcgmi.parse_version,
    dcgmi.parse_topo,
    dcgmi_diag.parse,
    dcgmi_table.parse,
)


@pytest.mark.parametrize("parse", PARSERS)
@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "Error: unable to connect to host engine\n",
        "2 GPUs found.\n+--------+------+\n| 0      | Name: NVIDIA H800 |\n+--------+------+\n",
        "1 GPUs found.\n+--------+------+\n| 0      | Name: NVIDIA H800 |\n",
        "Version : 3.1.8\nHostengine build info:\n",
        '{"header": ["GPU ID: 1"], "body": {}}',
        '{"header": ["GPU ID: 1"], "body": {"To GPU 0": {"value": 5}}}',
        '{"x": {"test_categories": []}}',
        '{"x": {"test_categories": [{"category": "a", "tests": [{"name": "b", "results": []}]}]}}',
        '{"x": {"test_categories": [{"category": "a", "tests": [{"name": "b", "results": [{"status": "?"}]}]}]}}',
        "| GPU Memory                | Perhaps                                        |\n",
        "| GPU Mem",
    ],
)
def test_cut_or_unknown(parse: Callable[[str], object], text: str) -> None:
    with pytest.raises(ParseError):
        parse(text)


def test_a_table_without_its_end_is_never_whole(read: Read) -> None:
    text = read("dcgmi/12-diag-r3-full-table-pass-h200x8.txt").rstrip()
    for end in range(0, len(text) - 1, 3):
        try:
            found = dcgmi_table.parse(text[:end])
        except ParseError:
            continue
        assert not found.whole


def test_a_row_cut_at_the_end_is_left_out() -> None:
    # invented: the last row ends in its first cell
    text = "| Denylist                  | Pass                                           |\n| NVML Lib"
    assert dcgmi_table.parse(text) == Diagnosis((DiagTest("Denylist", None, (Result(PASS),)),), {}, False)


@given(st.text())
def test_any_text_gives_rows_or_a_parse_error(text: str) -> None:
    heads = (
        "",
        "1 GPUs found.\n| 0      | Name: ",
        "Version : ",
        "| GPU Memory                | Pass - GPUs: ",
        '{"x": {"test_categories": [{"category": "a", "tests": [{"name": "b", "results": [{"status": "',
    )
    for head in heads:
        for parse in PARSERS:
            try:
                assert parse(head + text) is not None
            except ParseError:
                pass
