"""Files of the operating system around the GPUs: mounts, interrupts, routes, NVMe drives, processor governors."""

from __future__ import annotations

from ipaddress import IPv4Network

from bringup.mock.hardware import SimNode

Files = dict[str, str]

_NVME_MODEL, _NVME_BYTES = "SAMSUNG MZWLO3T8HCLS-00A07", 3_840_755_982_336
_BOOT_MODEL, _BOOT_BYTES = "Dell BOSS-N1", 479_559_942_144
_HOME = ("10.0.0.9:/export/home", "/home")


def drives(node: SimNode) -> list[tuple[str, str, str, int]]:
    """Device, model, serial number and bytes: the boot drive first, then the data drives."""
    boot = ("nvme0n1", _BOOT_MODEL, f"BOSS{node.index:08d}", _BOOT_BYTES)
    data = [
        (f"nvme{k}n1", _NVME_MODEL, f"S76ZNE0W{node.index:04d}{k:02d}", _NVME_BYTES)
        for k in range(1, node.shape.nvmes + 1)
        if k not in node.nvme_missing
    ]
    return [boot, *data]


def proc(node: SimNode) -> Files:
    """The part below /proc."""
    files = {
        "proc/mounts": mounts(node),
        "proc/net/route": _route(node),
        "proc/net/fib_trie": _fib_trie(node),
        "proc/1/status": "Name:\tsystemd\nState:\tS (sleeping)\nPid:\t1\nVmSize:\t  169104 kB\nvoluntary_ctxt_switches:\t9021\n",
    }
    if node.shape.machine == "x86_64":
        files["proc/interrupts"] = _interrupts(node)
    return files


def sys(node: SimNode) -> Files:
    """The part below /sys."""
    files: Files = {}
    for cpu in range(0, node.threads, 8):
        files[f"sys/devices/system/cpu/cpufreq/policy{cpu}/scaling_governor"] = "performance\n"
    for device, model, serial, _ in drives(node):
        base = f"sys/class/nvme/{device.removesuffix('n1')}"
        files |= {
            f"{base}/transport": "pcie\n",
            f"{base}/state": "live\n",
            f"{base}/model": f"{model:<40}\n",
            f"{base}/serial": f"{serial:<20}\n",
            f"{base}/firmware_rev": "OPPA4B5Q\n",
        }
    return files


def rshim(node: SimNode) -> Files:
    """What the management interface of each BlueField card tells."""
    cards = [nic for nic in node.nics if nic.kind.is_dpu]
    return {
        f"dev/rshim{number}/misc": (
            "DISPLAY_LEVEL   0 (0:basic, 1:advanced, 2:log)\n"
            f"BF_MODE         {(card.own_mode or card.mode).upper()} mode\n"
            "BOOT_MODE       1 (0:rshim, 1:emmc, 2:emmc-boot-swap)\n"
            "BOOT_TIMEOUT    300 (seconds)\nUSB_TIMEOUT     40 (seconds)\nDROP_MODE       0 (0:normal, 1:drop)\n"
            "SW_RESET        0 (1: reset)\n"
            f"DEV_NAME        pcie-{card.kind.bdf.rsplit('.', 1)[0]}.2\n"
            "DEV_INFO        BlueField-3(Rev 1)\nOPN_STR         N/A\n"
        )
        for number, card in enumerate(cards)
    }


def mounts(node: SimNode) -> str:
    """/proc/mounts: root and temporary files on the boot drive, a scratch file system on each data drive, home on NFS."""
    rows = [
        ("/dev/mapper/vg0-root", "/", "ext4", "rw,relatime"),
        ("/dev/nvme0n1p2", "/boot", "ext4", "rw,relatime"),
        ("/dev/mapper/vg0-tmp", "/tmp", "ext4", "rw,nosuid,nodev,relatime"),
        *(
            (f"/dev/{device}", f"/mnt/{device.removesuffix('n1')}", "xfs", "rw,noatime")
            for device, *_ in drives(node)[1:]
        ),
        (_HOME[0], _HOME[1], "nfs4", "rw,relatime,vers=4.2,hard,proto=tcp"),
        (
            "tmpfs",
            "/dev/shm",
            "tmpfs",
            "rw,nosuid,nodev" + (f",size={node.shm_kib}k" if node.shm_kib else ""),
        ),
        ("proc", "/proc", "proc", "rw,nosuid,nodev,noexec,relatime"),
    ]
    return "".join(
        f"{device} {at} {kind} {options.replace('rw', 'ro', 1) if at in node.read_only else options} 0 0\n"
        for device, at, kind, options in rows
        if at not in node.unmounted
    )


def fstab() -> str:
    """/etc/fstab: what the node mounts at boot."""
    return (
        "# <file system> <mount point> <type> <options> <dump> <pass>\n"
        "/dev/mapper/vg0-root / ext4 defaults 0 1\n"
        f"{_HOME[0]} {_HOME[1]} nfs4 rw,hard,vers=4.2,_netdev 0 0\n"
        f"{_HOME[0].partition(':')[0]}:/export/old /mnt/old nfs4 noauto 0 0\n"
    )


_PASSWD = (
    "root:x:0:0:root:/root:/bin/bash\nsim:x:1000:1000::/home/sim:/bin/bash\n"
    "nobody:x:65534:65534::/nonexistent:/bin/false\n"
)
_SEGMENTS = (
    "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid"
    "      atime      dtime      ctime                   rss                  swap\n"
)


def tenant(node: SimNode) -> Files:
    """Who may log in, and what the last tenant left: keys, shared memory."""
    keys = "".join(f"{key}\n" for key in node.left.keys)
    segments = "".join(
        f"{key:>10} {key + 7:>10}   600 {size:>21} 48213 48214      0  1000  1000  1000  1000"
        f" {0:>10} {0:>10} {0:>10} {size:>21} {0:>21}\n"
        for key, size in enumerate(node.left.segments, 32768)
    )
    return {
        "etc/passwd": _PASSWD,
        "root/.ssh/authorized_keys": f"# who looks after this machine\n{keys}",
        "proc/sysvipc/shm": _SEGMENTS + segments,
        **{f"dev/shm/{name}": "x" * size for name, size in node.left.shared_files.items()},
    }


def _interrupts(node: SimNode) -> str:
    """Only the rows of machine checks, which no healthy processor counts (polls it does)."""
    columns = node.threads
    head = " " * 11 + "".join(f"CPU{cpu:<8}" for cpu in range(columns))
    rows = (
        ("THR", 0, "Threshold APIC interrupts"),
        ("DFR", 0, "Deferred Error APIC interrupts"),
        ("MCE", 0, "Machine check exceptions"),
        ("MCP", 411, "Machine check polls"),
    )
    body = [f"{name}:" + f"{count:>11}" * columns + f"   {words}" for name, count, words in rows]
    return "\n".join([head, *body]) + "\n"


def _networks(node: SimNode) -> list[tuple[str, str]]:
    """Interface and address of every network that the node has an address in."""
    own = [(nic.kind.name, nic.ipv4) for nic in node.nics if nic.ipv4]
    return own + [(h.netdev, h.ipv4) for h in node.hcas if h.present and h.ipv4]


def _route(node: SimNode) -> str:
    head = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT"
    rows = [head]
    for name, address in _networks(node):
        at, mask = (
            int(part).to_bytes(4, "little").hex().upper()
            for part in (_network(address).network_address, _network(address).netmask)
        )
        rows.append(f"{name}\t{at}\t00000000\t0001\t0\t0\t0\t{mask}\t0\t0\t0")
    return "".join(f"{row:<127}\n" for row in rows)


def _network(address: str) -> IPv4Network:
    return IPv4Network(f"{address}/16", strict=False)


def _fib_trie(node: SimNode) -> str:
    rows = ["Main:", "  +-- 0.0.0.0/0 3 0 5"]
    for address in ["127.0.0.1", *(address for _, address in _networks(node))]:
        rows += [f"           |-- {address}", "              /32 host LOCAL"]
    return "\n".join(rows) + "\n"
