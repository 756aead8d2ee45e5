"""The simulated perftest: two programs that really meet, and what they say when they do not."""

from __future__ import annotations

import json
import threading

import pytest

from bringup.parsers import perftest, perftest_json, rdma_sysfs
from bringup.parsers.perftest_failure import Cause, failure


def counters(lab, node, hca):  # type: ignore[no-untyped-def]
    text = lab.sh(node, f"cd $BRINGUP_ROOT/sys/class/infiniband/{hca}/ports/1/counters; grep -H . *").stdout
    return {line.split(":")[0]: int(line.split(":")[1]) for line in text.splitlines()}


def test_a_healthy_rail_carries_what_its_rate_allows(lab):  # type: ignore[no-untyped-def]
    here = lab()
    before = counters(here, "gpu-002", "mlx5_4")
    served, asked = here.both(
        ("gpu-002", perftest.bandwidth("ib_write_bw", "mlx5_4", 18600, 2)),
        ("gpu-001", perftest.bandwidth("ib_write_bw", "mlx5_4", 18600, 2, "gpu-002")),
    )
    assert (served.returncode, asked.returncode) == (0, 0)
    row = perftest.bandwidths(asked.stdout)[-1]
    assert (row.unit, row.message_bytes, row.peak) == ("Gb/sec", 1 << 20, 0.0)
    assert 384 < row.average_gbps < 388
    assert row.iterations == pytest.approx(2 * row.average * 1e9 / 8 / (1 << 20), rel=0.01)
    assert perftest.bandwidths(served.stdout)[-1].average == row.average
    assert "Waiting for client to connect" in served.stdout
    grown = counters(here, "gpu-002", "mlx5_4")["port_rcv_data"] - before["port_rcv_data"]
    assert grown * 4 == row.iterations * row.message_bytes


def test_latency_is_about_two_microseconds(lab):  # type: ignore[no-untyped-def]
    _, asked = lab().both(
        ("gpu-002", perftest.latency("ib_write_lat", "mlx5_0", 18601)),
        ("gpu-001", perftest.latency("ib_write_lat", "mlx5_0", 18601, "gpu-002")),
    )
    row = perftest.latencies(asked.stdout)[-1]
    assert (row.message_bytes, row.iterations) == (8, 1000)
    assert 1.9 < row.middle_us < 2.1


def test_flows_over_one_port_share_it(lab):  # type: ignore[no-untyped-def]
    here = lab(count=3, speed=10.0)
    script = """for n in 1 2; do ib_write_bw -d mlx5_0 -p 1900$n -D 60 -F --report_gbits >$TMPDIR/s$n & done
wait; cat $TMPDIR/s1 $TMPDIR/s2"""
    answers: list[str] = []
    server = threading.Thread(target=lambda: answers.append(here.sh("gpu-001", script).stdout))
    server.start()
    here.sh(
        "gpu-001",
        "until grep -q :4A39 $BRINGUP_ROOT/proc/net/tcp && grep -q :4A3A $BRINGUP_ROOT/proc/net/tcp; do :; done",
    )
    clients = [
        threading.Thread(
            target=here.sh, args=(f"gpu-00{n}", f"ib_write_bw -d mlx5_0 -p 1900{n - 1} -D 60 -F gpu-001")
        )
        for n in (2, 3)
    ]
    for client in clients:
        client.start()
    for thread in (*clients, server):
        thread.join()
    rows = perftest.bandwidths(answers[0])
    assert [round(row.average_gbps / 10) for row in rows] == [19, 19]


def test_mib_and_json_forms(lab):  # type: ignore[no-untyped-def]
    here = lab()
    port = 18602
    serving = perftest.Command(f"ib_write_bw -d mlx5_0 -p {port} -D 1 -F", listens=port)
    asking = perftest.Command(
        f"ib_write_bw -d mlx5_0 -p {port} -D 1 -F --out_json --out_json_file=$TMPDIR/f.json gpu-002; cat $TMPDIR/f.json"
    )
    _, asked = here.both(("gpu-002", serving), ("gpu-001", asking))
    table, _, document = asked.stdout.partition("{")
    row = perftest.bandwidths(table)[-1]
    assert row.unit == "MB/sec" and 384 < row.average_gbps < 388
    assert json.loads("{" + document)["results"]["MsgSize"] == 65536
    assert perftest_json.parse("{" + document) is not None


def test_a_client_without_a_server_fails_at_once(healthy):  # type: ignore[no-untyped-def]
    done = healthy.sh("gpu-001", "ib_write_bw -d mlx5_0 -p 18700 -D 2 -F --report_gbits gpu-002")
    assert done.returncode == 1 and done.stderr.startswith("Couldn't connect to gpu-002:18700\n")
    assert failure(done.stdout + done.stderr, done.returncode).cause is Cause.CONNECT  # type: ignore[union-attr]
    unknown = healthy.sh("gpu-001", "ib_write_bw -d mlx5_0 nowhere")
    assert unknown.returncode == 1 and "Name or service not known" in unknown.stderr


def test_a_port_can_be_listened_on_once_and_is_free_again_after_a_kill(healthy):  # type: ignore[no-untyped-def]
    script = """ib_write_bw -d mlx5_0 -p 18701 -D 2 >/dev/null & first=$!
until grep -q ':490D ' $BRINGUP_ROOT/proc/net/tcp; do :; done
ib_write_bw -d mlx5_0 -p 18701 -D 2 2>&1; echo "status $?"
kill $first; while grep -q ':490D ' $BRINGUP_ROOT/proc/net/tcp; do :; done; echo free"""
    done = healthy.sh("gpu-003", script, timeout=10)
    assert "Couldn't listen to port 18701\n" in done.stdout and "status 1\n" in done.stdout
    assert done.stdout.endswith("free\n")


def test_an_unknown_device_is_refused(healthy):  # type: ignore[no-untyped-def]
    done = healthy.sh("gpu-001", "ib_write_bw -d mlx5_99 gpu-002")
    assert done.returncode == 1
    assert failure(done.stdout + done.stderr, 1).cause is Cause.NO_DEVICE  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("kind", "params", "cause"),
    [
        ("port-down", {"hca": "mlx5_4"}, Cause.PORT_DOWN),
        ("port-disabled", {"hca": "mlx5_4"}, Cause.PORT_DOWN),
        ("port-init", {"hca": "mlx5_4"}, Cause.PORT_DOWN),
        ("hca-missing", {"hca": "mlx5_4"}, Cause.NO_DEVICE),
        ("memlock-low", {"kib": 64}, Cause.MEMORY),
        ("rdma-refuses", {"hca": "mlx5_4"}, Cause.RETRY),
    ],
)
def test_what_a_broken_client_says(lab, kind, params, cause):  # type: ignore[no-untyped-def]
    _, asked = (
        lab(kind, params=params).both(
            ("gpu-002", perftest.bandwidth("ib_write_bw", "mlx5_4", 18603, 1)),
            ("gpu-001", perftest.bandwidth("ib_write_bw", "mlx5_4", 18603, 1, "gpu-002")),
        )
        if kind == "rdma-refuses"
        else (None, lab(kind, params=params).sh("gpu-001", "ib_write_bw -d mlx5_4 -s 1048576 gpu-002"))
    )
    assert asked.returncode == 1
    assert failure(asked.stdout + asked.stderr, 1).cause is cause  # type: ignore[union-attr]


def test_a_server_that_is_killed_ends_its_client(lab):  # type: ignore[no-untyped-def]
    here = lab(speed=1.0)
    script = """ib_write_bw -d mlx5_0 -p 18604 -D 30 >/dev/null & server=$!
until grep -q ':48AC ' $BRINGUP_ROOT/proc/net/tcp; do :; done
while grep -q ':48AC ' $BRINGUP_ROOT/proc/net/tcp; do :; done; kill $server"""
    server = threading.Thread(target=here.sh, args=("gpu-002", script))
    server.start()
    here.sh("gpu-002", "until grep -q ':48AC ' $BRINGUP_ROOT/proc/net/tcp; do :; done")
    done = here.sh("gpu-001", "ib_write_bw -d mlx5_0 -p 18604 -D 30 gpu-002", timeout=10)
    server.join()
    assert done.returncode == 1
    assert failure(done.stdout + done.stderr, 1).cause is Cause.RETRY  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("kind", "params", "low", "high"),
    [
        ("slow-hca", {"hca": "mlx5_4", "fraction": 0.45}, 172, 175),
        ("slow-node", {"fraction": 0.5}, 192, 194),
        ("port-rate", {"hca": "mlx5_4", "rate": 200}, 192, 194),
        ("port-lanes", {"hca": "mlx5_4", "lanes": 2}, 192, 194),
        ("nic-pcie-width", {"hca": "mlx5_4", "width": 8}, 220, 232),
        ("nic-pcie-speed", {"hca": "mlx5_4", "gts": 16.0}, 220, 232),
    ],
)
def test_the_weakest_part_sets_the_bandwidth(lab, kind, params, low, high):  # type: ignore[no-untyped-def]
    here = lab(kind, params=params)
    for server, client in (("gpu-001", "gpu-002"), ("gpu-002", "gpu-001")):
        _, asked = here.both(
            (server, perftest.bandwidth("ib_write_bw", "mlx5_4", 18605, 1)),
            (client, perftest.bandwidth("ib_write_bw", "mlx5_4", 18605, 1, server)),
        )
        assert low < perftest.bandwidths(asked.stdout)[-1].average_gbps < high


def test_a_bad_link_counts_symbol_errors_in_every_test(lab):  # type: ignore[no-untyped-def]
    here = lab("symbol-errors", params={"hca": "mlx5_4", "count": 500})

    def errors() -> int:
        found = rdma_sysfs.parse(here.text("gpu-001", rdma_sysfs.PORTS))
        port = rdma_sysfs.find_port(found, "mlx5_4")
        assert port is not None
        return port.counters["symbol_error"]

    assert errors() == 500
    here.both(
        ("gpu-001", perftest.bandwidth("ib_write_bw", "mlx5_4", 18606, 1)),
        ("gpu-002", perftest.bandwidth("ib_write_bw", "mlx5_4", 18606, 1, "gpu-001")),
    )
    assert errors() == 1000
