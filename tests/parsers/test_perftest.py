"""perftest tables of many versions, and the commands that bringup sends."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bringup.errors import ParseError
from bringup.parsers import perftest
from bringup.parsers.perftest import Bandwidth, Latency

Session = Callable[[str], tuple[str, int | None, str]]
RXE = "rxe-outputs/bookworm-perftest-4.5"

BANDWIDTH = {
    # file: number of rows, last row
    "01-ib_write_bw-loopback-8M-client-and-server.txt": (
        2,
        Bandwidth(8388608, 20000, 24056.74, 24056.72, "MB/sec", 0.003007),
    ),
    "02-ib_write_bw-loopback-a-interleaved.txt": (
        24,
        Bandwidth(8388608, 2000, 23240.68, 23240.68, "MB/sec", 0.002905),
    ),
    "03-ib_write_bw-R-100g-cpu-freq-warning-in-table.txt": (
        1,
        Bandwidth(65536, 5000, 92.42, 92.40, "Gb/sec", 0.176230),
    ),
    "04-ib_write_bw-use_cuda-dmabuf-a-100g.txt": (
        23,
        Bandwidth(8388608, 5000, 92.39, 92.39, "Gb/sec", 0.001377),
    ),
    "06-ib_read_bw-a-200g-table-only.txt": (
        23,
        Bandwidth(8388608, 5000, 197.48, 197.48, "Gb/sec", 0.002943),
    ),
    "07-ib_write_bw-a-200g-table-only.txt": (
        23,
        Bandwidth(8388608, 5000, 196.56, 196.55, "Gb/sec", 0.002929),
    ),
    "08-ib_write_bw-b-bidirectional-200g.txt": (
        23,
        Bandwidth(8388608, 5000, 204.59, 204.59, "Gb/sec", 0.003049),
    ),
    "09-ib_write_bw-q4-tos-multi-address.txt": (
        1,
        Bandwidth(65536, 20000, 98.01, 98.01, "Gb/sec", 0.186932),
    ),
    "10-ib_send_bw-D5-b-missing-spaces.txt": (
        1,
        Bandwidth(4096, 8758300, 0.0, 11403.46, "MB/sec", 2.919285),
    ),
    "12-ib_write_bw-D-lockfree-new-header-cpufreq.txt": (
        1,
        Bandwidth(65536, 560845, 0.0, 98.02, "Gb/sec", 0.186950),
    ),
    "14-ib_write_bw-cpufreq-double-tab-rxe.txt": (
        1,
        Bandwidth(65536, 5000, 419.30, 361.10, "MB/sec", 0.005778),
    ),
}
LATENCY = {
    "05-ib_read_lat-200g-table-only.txt": Latency(2, 1000, 5.50, 5.35, 11.78, 5.49, 0.18, 5.74, 11.78),
    "18-ib_write_lat-spark-cx7.txt": Latency(2, 1000, 1.47, 1.42, 1.93, 1.47, 0.00, 1.57, 1.93),
    "20-ib_read_lat-two-cpufreq-lines.txt": Latency(2, 1000, 7.06, 6.88, 16.81, 7.04, 0.31, 7.38, 16.81),
}
NO_TABLE = {"16-err-port-state-down.txt", "22-version-rc1.txt", "24-err-allocate-mr-memlock.txt"}


def test_every_captured_file_has_an_expectation(corpus: Path) -> None:
    assert {f.name for f in (corpus / "perftest").iterdir()} <= {*BANDWIDTH, *LATENCY, *NO_TABLE}


@pytest.mark.parametrize("name", BANDWIDTH)
def test_bandwidth(read: Callable[[str], str], name: str) -> None:
    text = read(f"perftest/{name}")
    rows = perftest.bandwidths(text)
    assert (len(rows), rows[-1]) == BANDWIDTH[name]
    with pytest.raises(ParseError):
        perftest.latencies(text)


@pytest.mark.parametrize("name", LATENCY)
def test_latency(read: Callable[[str], str], name: str) -> None:
    text = read(f"perftest/{name}")
    assert perftest.latencies(text) == (LATENCY[name],)
    with pytest.raises(ParseError):
        perftest.bandwidths(text)


@pytest.mark.parametrize("name", sorted(NO_TABLE))
def test_a_text_without_a_table_is_no_result(read: Callable[[str], str], name: str) -> None:
    for parse in (perftest.bandwidths, perftest.latencies):
        with pytest.raises(ParseError):
            parse(read(f"perftest/{name}"))


@pytest.mark.parametrize(
    ("name", "gbps"),
    [
        ("01-ib_write_bw-loopback-8M-client-and-server.txt", 201.80),
        ("03-ib_write_bw-R-100g-cpu-freq-warning-in-table.txt", 92.40),
        ("10-ib_send_bw-D5-b-missing-spaces.txt", 95.66),
        ("14-ib_write_bw-cpufreq-double-tab-rxe.txt", 3.03),
    ],
)
def test_units(read: Callable[[str], str], name: str, gbps: float) -> None:
    assert perftest.bandwidths(read(f"perftest/{name}"))[-1].average_gbps == pytest.approx(gbps, abs=0.005)


def test_the_best_row_and_the_dip_of_a_sweep_are_kept(read: Callable[[str], str]) -> None:
    rows = {
        r.message_bytes: r for r in perftest.bandwidths(read("perftest/07-ib_write_bw-a-200g-table-only.txt"))
    }
    assert (rows[4194304].average, rows[4096].average, rows[2].average) == (196.64, 89.61, 0.045526)


@pytest.mark.parametrize(
    ("file", "last"),
    [
        ("write_bw-duration.client.txt", Bandwidth(65536, 209, 0.0, 0.053858, "Gb/sec", 0.000103)),
        ("write_bw-4qp.client.txt", Bandwidth(65536, 400, 0.19, 0.12, "Gb/sec", 0.000222)),
        ("write_bw-mib.client.txt", Bandwidth(65536, 100, 17.92, 16.45, "MB/sec", 0.000263)),
        ("write_bw-json-all-sizes.client.txt", Bandwidth(8388608, 20, 0.13, 0.13, "Gb/sec", 0.000002)),
        ("limit_bw-miss.client.txt", Bandwidth(65536, 200, 0.105314, 0.080271, "Gb/sec", 0.000153)),
        ("report-counters.client.txt", Bandwidth(65536, 200, 0.169365, 0.097394, "Gb/sec", 0.000186)),
        ("fault-loss5pct-200it.client.txt", Bandwidth(65536, 200, 0.015264, 0.014691, "Gb/sec", 0.000028)),
        (
            "fault-ratecap20m-to-node2-read.client.txt",
            Bandwidth(65536, 50, 0.019587, 0.010802, "Gb/sec", 0.000021),
        ),
        ("send_bw.client.txt", Bandwidth(65536, 200, 0.109366, 0.088061, "Gb/sec", 0.000168)),
    ],
)
def test_sessions(session: Session, file: str, last: Bandwidth) -> None:
    text, _, _ = session(f"{RXE}/{file}")
    assert perftest.bandwidths(text)[-1] == last


@pytest.mark.parametrize(
    ("file", "last"),
    [
        (
            "write_lat.client.txt",
            Latency(2, 300, 455.88, 189.55, 16563.51, 269.42, 735.09, 2512.40, 16563.51),
        ),
        ("write_lat-duration.client.txt", Latency(2, 2022, 744.65)),
        (
            "fault-delay5ms-lat.client.txt",
            Latency(2, 100, 7375.80, 2778.83, 16012.94, 7846.11, 3663.72, 16012.94, 16012.94),
        ),
    ],
)
def test_latency_sessions(session: Session, file: str, last: Latency) -> None:
    text, _, _ = session(f"{RXE}/{file}")
    assert perftest.latencies(text) == (last,)


def test_every_session_with_status_0_and_a_table_is_read(sessions: Path, session: Session) -> None:
    seen = 0
    for file in sorted((sessions / RXE).glob("*_[bl]*.client.txt")):
        text, status, _ = session(str(file.relative_to(sessions)))
        if status == 0:
            parse = perftest.latencies if "_lat" in file.name else perftest.bandwidths
            assert parse(text)[-1].iterations > 0, file.name
            seen += 1
    assert seen >= 9


def test_a_cable_cut_during_the_run_leaves_a_row_of_zeros(session: Session) -> None:
    text, _, _ = session(f"{RXE}/fault-cut-midrun2.server.txt")
    assert perftest.bandwidths(text) == (Bandwidth(65536, 0, 0.0, 0.0, "Gb/sec", 0.0),)


HEAD = (
    " #bytes #iterations    t_min[usec]    t_max[usec]  t_typical[usec]    t_avg[usec]    t_stdev[usec]"
    "   99% percentile[usec]   99.9% percentile[usec] \n"
)


def test_latency_columns_that_touch_come_apart() -> None:
    row = " 2       1000          2.10           12465.901216.65              1300.12      80.40            90.10 \t 12465.90\n"  # invented  # noqa: E501
    assert perftest.latencies(HEAD + row) == (
        Latency(2, 1000, 1300.12, 2.10, 12465.90, 1216.65, 80.40, 90.10, 12465.90),
    )


def test_old_latency_table_has_no_average() -> None:
    text = " #bytes #iterations    t_min[usec]    t_max[usec]  t_typical[usec]\n 2 1000 1.10 9.30 1.21\n"  # invented
    (row,) = perftest.latencies(text)
    assert (row.middle_us, row.avg_us) == (1.21, None)


def test_newest_columns() -> None:
    text = (  # invented from the tool's source
        " #bytes     #iterations    BW peak[MiB/sec]    BW average[MiB/sec]   MsgRate[Mpps]    CPU_Util[%]\n"
        " 65536      5000             46000.00           45000.00\t\t     0.720000\t    12.50\n"
    )
    (row,) = perftest.bandwidths(text)
    assert row == Bandwidth(65536, 5000, 46000.0, 45000.0, "MiB/sec", 0.72)
    assert row.average_gbps == pytest.approx(377.487, abs=0.001)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " #bytes     #iterations    BW peak[Gb/sec]    BW average[Gb/sec]   MsgRate[Mpps]\n",
        " #bytes     #iterations    BW peak[Gb/sec]    BW average[Gb/sec]   MsgRate[Mpps]\n 65536 5000 92.42\n",
        " #bytes     #iterations    BW peak[Gb/sec]    BW average[Gb/sec]   MsgRate[Mpps]\n 65536 5000 1 nan 0.1\n",
        " #bytes     #iterations    BW peak[KB/sec]    BW average[KB/sec]   MsgRate[Mpps]\n 65536 5000 1 1 0.1\n",
        " #bytes     #iterationsX    BW peak[Gb/sec]    BW average[Gb/sec]   MsgRate[Mpps]\n 65536 5000 1 1 0.1\n",
    ],
)
def test_cut_or_unknown(text: str) -> None:
    with pytest.raises(ParseError):
        perftest.bandwidths(text)


@given(st.text())
def test_any_text_gives_rows_or_a_parse_error(text: str) -> None:
    _parse_anything(text)


@given(st.text(alphabet="0123456789. -e\tnaif#[]", max_size=80))
def test_any_row_gives_rows_or_a_parse_error(row: str) -> None:
    _parse_anything(HEAD + row)
    _parse_anything(
        " #bytes     #iterations    BW peak[Gb/sec]    BW average[Gb/sec]   MsgRate[Mpps]\n" + row
    )


@pytest.mark.parametrize("name", [*BANDWIDTH, *LATENCY])
def test_cut_off_at_any_place(read: Callable[[str], str], name: str) -> None:
    text = read(f"perftest/{name}")
    for end in range(0, len(text), 7):
        _parse_anything(text[:end])


def _parse_anything(text: str) -> None:
    for parse, row in ((perftest.bandwidths, Bandwidth), (perftest.latencies, Latency)):
        try:
            rows = parse(text)
        except ParseError:
            continue
        assert rows and all(isinstance(r, row) for r in rows)
