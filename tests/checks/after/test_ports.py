"""after.link-errors, -flap, -ber, transport: what ports counted between the first reading and the last.

The counters are those of an H100 machine in service; what rose is invented.
"""

from __future__ import annotations

import pytest

from bringup.commands import Ended
from bringup.model import Verdict
from bringup.parsers import kernel_log, mlxlink, port_config, rdma_sysfs, rdma_transport

SYSFS = "/sys/class/infiniband/mlx5_0/ports/1/"
AT = "gpu-001/hca/mlx5_0/port/1"
COUNTERS = "sysfs-infiniband/01-h100-mlx5_0-all-counters.txt"
LIMITS = {
    "link.rise.symbol_errors": ("<=", 120, "errors/h"),
    "link.rise.recovery": ("==", 0),
    "link.rise.link_downed": ("==", 0),
    "link.rise.rcv_errors": ("<=", 100),
    "link.rise.xmit_discards": ("<=", 1000),
    "link.rise.remote_errors": ("<=", 100),
    "link.rise.integrity_errors": ("==", 0),
    "link.rise.buffer_overruns": ("==", 0),
    "link.flap": ("==", 0, "losses"),
    "link.ber.effective": ("<=", 1e-12),
    "rdma.rise.sent_again": ("<=", 360_000, "packets/h"),
}
FACTS = {
    "fabric.hcas": ["mlx5_0"],
    "fabric.link_layer": "InfiniBand",
    "link.flap.grace_min": 30,
    "tools.required": [],
}


@pytest.fixture
def ports(corpus_text) -> str:
    """The captured port as PORTS prints it: the files by their path."""
    text = corpus_text(COUNTERS)
    rdma_sysfs.parse(text)
    return text


def rose(text: str, counter: str, by: int) -> str:
    """The same reading with one counter higher."""
    lines = text.splitlines(keepends=True)
    place = next(i for i, line in enumerate(lines) if f"/counters/{counter}:" in line)
    path, _, value = lines[place].rpartition(":")
    lines[place] = f"{path}:{int(value) + by}\n"
    return "".join(lines)


def bad(outcome) -> list[tuple[str, str, object, str]]:
    return [(m.name, m.at, m.value, m.code) for m in outcome.measurements if not m.ok]


def test_counters_that_stand_still_pass_whatever_they_say(judge, ports) -> None:
    outcome = judge("link_errors.py", {rdma_sysfs.PORTS: ports}, {rdma_sysfs.PORTS: ports}, LIMITS, FACTS)
    assert (outcome.verdict, outcome.reason) == (Verdict.PASS, "")
    assert {m.at for m in outcome.measurements} == {"gpu-001"}


@pytest.mark.parametrize(
    ("counter", "by", "value"),
    [
        ("symbol_error", 121, 121.0),
        ("link_downed", 1, 1),
        ("link_error_recovery", 1, 1),
        ("port_rcv_errors", 101, 101),
        ("port_xmit_discards", 1001, 1001),
        ("port_rcv_remote_physical_errors", 101, 101),
        ("local_link_integrity_errors", 1, 1),
    ],
)
def test_a_rise_is_the_ports_own(judge, ports, counter: str, by: int, value: float) -> None:
    for more, verdict in ((by, Verdict.FAIL), (by - 1, Verdict.PASS)):
        after = {rdma_sysfs.PORTS: rose(ports, counter, more)}
        outcome = judge("link_errors.py", {rdma_sysfs.PORTS: ports}, after, LIMITS, FACTS)
        assert (outcome.verdict, outcome.reason) == (verdict, "")
        assert bad(outcome) == (
            [(f"{counter} rise", AT, value, "LINK-ERRORS")] if verdict is Verdict.FAIL else []
        )


def test_symbol_errors_are_judged_by_the_hour(judge, ports) -> None:
    after = {rdma_sysfs.PORTS: rose(ports, "symbol_error", 30)}
    slow = judge("link_errors.py", {rdma_sysfs.PORTS: ports}, after, LIMITS, FACTS, seconds=1000)
    assert slow.verdict is Verdict.PASS
    fast = judge("link_errors.py", {rdma_sysfs.PORTS: ports}, after, LIMITS, FACTS, seconds=600)
    assert bad(fast) == [("symbol_error rise", AT, 180.0, "LINK-ERRORS")]


def test_links_that_settle_after_boot_are_not_judged(judge, ports) -> None:
    after = {rdma_sysfs.PORTS: rose(ports, "link_downed", 1)}
    young = judge("link_errors.py", {rdma_sysfs.PORTS: ports}, after, LIMITS, FACTS, uptime_s=400)
    assert (young.verdict, bad(young)) == (Verdict.ERROR, [])
    assert "settling" in young.reason
    calm = judge(
        "link_errors.py", {rdma_sysfs.PORTS: ports}, {rdma_sysfs.PORTS: ports}, LIMITS, FACTS, uptime_s=400
    )
    assert calm.verdict is Verdict.PASS


def test_an_adapter_that_went_away_is_named(judge, ports) -> None:
    gone = ports.replace("mlx5_0", "mlx5_9")
    outcome = judge("link_errors.py", {rdma_sysfs.PORTS: ports}, {rdma_sysfs.PORTS: gone}, LIMITS, FACTS)
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "HCA-MISSING")
    assert outcome.error_at == "gpu-001/hca/mlx5_0"


def test_without_a_limit_nothing_is_judged(judge, ports) -> None:
    limits = {k: v for k, v in LIMITS.items() if k != "link.rise.recovery"}
    outcome = judge("link_errors.py", {rdma_sysfs.PORTS: ports}, {rdma_sysfs.PORTS: ports}, limits, FACTS)
    assert outcome.verdict is Verdict.ERROR
    assert "link.rise.recovery" in outcome.reason


# ------------------------------------------------------------------------------------------------ lost links

BASE = "/sys/class/infiniband/mlx5_0"
PORT = (
    f"{BASE}/device:0000:1a:00.0\n{BASE}/ports/1/state:4: ACTIVE\n{BASE}/ports/1/rate:400 Gb/sec (4X NDR)\n"
)


def config(changes: int) -> str:
    return f"{BASE}/node_guid:a088:c203:0000:0000\n{BASE}/device/net/eth0/carrier_changes:{changes}\n"


def log(uptime: float, *losses: float) -> str:
    """A log with a link lost at these seconds of uptime (invented; the words are the driver's)."""
    lines = [f"[{at:12.6f}] mlx5_core 0000:1a:00.0 eth0: Link down\n" for at in losses]
    return f"1732100000\n{uptime:.2f} 1.00\n[    0.000000] Linux version\n" + "".join(lines)


def flap(
    judge, changes: tuple[int, int], *losses: float, uptime_s: float = 500_000.0, after_log: object = None
):
    now = uptime_s + 3600
    before = {port_config.CONFIG: config(changes[0]), rdma_sysfs.PORTS: PORT}
    before[kernel_log.LOG] = log(uptime_s, *(at for at in losses if at <= uptime_s))
    after = {port_config.CONFIG: config(changes[1]), rdma_sysfs.PORTS: PORT}
    after[kernel_log.LOG] = log(now, *losses) if after_log is None else after_log
    return judge("link_flap.py", before, after, LIMITS, FACTS, uptime_s=uptime_s)


def test_a_link_that_stays_up(judge) -> None:
    outcome = flap(judge, (4, 4), 100.0, 499_000.0)  # what was lost before the run is an affair of link.flap
    assert (outcome.verdict, outcome.reason, outcome.findings) == (Verdict.PASS, "", ())


def test_a_link_that_was_lost_meanwhile(judge) -> None:
    outcome = flap(judge, (4, 6), 501_000.0)
    assert bad(outcome) == [
        ("carrier changes rise", AT, 2, "LINK-FLAP"),
        ("losses of the link", AT, 1, "LINK-FLAP"),
    ]


def test_a_log_that_nobody_may_read_leaves_the_interfaces_own_count(judge) -> None:
    outcome = flap(judge, (4, 6), after_log=Ended.TIMEOUT)
    assert (outcome.verdict, bad(outcome)) == (
        Verdict.FAIL,
        [("carrier changes rise", AT, 2, "LINK-FLAP")],
    )
    assert flap(judge, (4, 4), after_log=Ended.TIMEOUT).verdict is Verdict.ERROR


def test_losses_right_after_boot_do_not_count(judge) -> None:
    outcome = flap(judge, (4, 4), 500.0, uptime_s=400.0)
    assert (outcome.verdict, outcome.reason) == (Verdict.PASS, "")
    assert bad(flap(judge, (4, 4), 2500.0, uptime_s=400.0)) == [("losses of the link", AT, 1, "LINK-FLAP")]


# ------------------------------------------------------------------------------------------------ bit errors


def ber(judge, text: str, errors: tuple[int, int], *, seconds: float = 3600.0, port: str = PORT):
    def said(count: int) -> str:
        assert '"Effective Physical Errors" : "0"' in text
        return text.replace('"Effective Physical Errors" : "0"', f'"Effective Physical Errors" : "{count}"')

    command = mlxlink.port("mlx5_0")
    before, after = ({command: said(n), rdma_sysfs.PORTS: port} for n in errors)
    return judge("link_ber.py", before, after, LIMITS, FACTS, seconds=seconds)


OPTIC = "mlxlink/02-json-400g-dr4-mft4341.json"


def test_raw_errors_of_a_400g_link_are_normal(judge, corpus_text) -> None:
    outcome = ber(judge, corpus_text(OPTIC), (0, 0))
    assert (outcome.verdict, outcome.reason) == (Verdict.PASS, "")
    assert [(m.name, m.at, m.value) for m in outcome.measurements] == [
        ("bit error rate after correction", AT, 0.0)
    ]


def test_what_correction_leaves_over_is_a_rate_of_all_bits_on_the_line(judge, corpus_text) -> None:
    text = corpus_text(OPTIC)
    # 400 Gb/s for 1000 s are 4e14 bits: 400 errors are a rate of 1e-12
    assert ber(judge, text, (5, 405), seconds=1000).verdict is Verdict.PASS
    assert bad(ber(judge, text, (5, 805), seconds=1000)) == [
        ("bit error rate after correction", AT, 2e-12, "LINK-BER")
    ]


def test_a_port_without_mlxlink_is_not_applicable_and_a_port_that_is_down_not_judged(
    judge, corpus_text
) -> None:
    command = mlxlink.port("mlx5_0")
    absent = {command: Ended.MISSING, rdma_sysfs.PORTS: PORT}
    assert judge("link_ber.py", absent, absent, LIMITS, FACTS).verdict is Verdict.NOT_RUN
    down = ber(judge, corpus_text(OPTIC), (0, 9), port=PORT.replace("4: ACTIVE", "1: DOWN"))
    assert down.verdict is Verdict.ERROR


# ------------------------------------------------------------------------------------------------ transport


def transport(**counters: int) -> str:
    lines = [f"{BASE}/ports/1/hw_counters/{name}:{count}\n" for name, count in counters.items()]
    return "".join(lines) + "end:counters\n"


def test_packets_that_are_asked_for_again_are_judged_and_the_rest_is_told(judge) -> None:
    before = {rdma_transport.COUNTERS: transport(packet_seq_err=5, out_of_sequence=1)}
    after = {rdma_transport.COUNTERS: transport(packet_seq_err=5, out_of_sequence=900_001)}
    outcome = judge("transport.py", before, after, LIMITS, FACTS)
    assert outcome.verdict is Verdict.PASS
    assert ("out_of_sequence rise", AT, 900_000, True) in [
        (m.name, m.at, m.value, m.ok) for m in outcome.measurements
    ]
    after = {rdma_transport.COUNTERS: transport(packet_seq_err=400_005, out_of_sequence=1)}
    outcome = judge("transport.py", before, after, LIMITS, FACTS)
    assert bad(outcome) == [("packet_seq_err rise", AT, 400_000.0, "RDMA-RETRANSMITS")]


def test_an_adapter_without_these_counters_is_no_pass(judge) -> None:
    said = {rdma_transport.COUNTERS: transport(out_of_sequence=1)}
    outcome = judge("transport.py", said, said, LIMITS, FACTS)
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "")
    gone = {rdma_transport.COUNTERS: "end:counters\n"}
    outcome = judge("transport.py", said, gone, LIMITS, FACTS)
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "HCA-MISSING")
