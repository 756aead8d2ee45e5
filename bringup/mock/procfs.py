"""/proc, /etc and /dev of a simulated node, rendered from its state."""

from __future__ import annotations

import functools
import uuid

from bringup.mock import host_files
from bringup.mock.hardware import UNLIMITED, Presence, SimNode

Files = dict[str, str]

_TCP_HEAD = (
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"
    "                                                     \n"
)
_MODULE = tuple[str, int, str, str]
_NVIDIA_MODULES: tuple[_MODULE, ...] = (
    ("nvidia_uvm", 4956160, "0 - ", "(POE)"),
    ("nvidia_drm", 77824, "0 - ", "(POE)"),
    ("nvidia_modeset", 1306624, "1 nvidia_drm, ", "(POE)"),
    ("nvidia_peermem", 16384, "0 - ", "(POE)"),
    ("nvidia", 56807424, "2132 nvidia_uvm,nvidia_modeset,nvidia_peermem, ", "(POE)"),
)
_AMD_MODULES: tuple[_MODULE, ...] = (
    ("amdgpu", 19709952, "8 - ", "(OE)"),
    ("amdttm", 106496, "1 amdgpu, ", "(OE)"),
    ("amdkcl", 40960, "2 amdgpu,amdttm, ", "(OE)"),
)
_RDMA_MODULES: tuple[_MODULE, ...] = (
    ("rdma_ucm", 32768, "0 - ", "(OE)"),
    ("ib_ipoib", 131072, "0 - ", "(OE)"),
    ("ib_umad", 36864, "8 - ", "(OE)"),
    ("mlx5_ib", 397312, "0 - ", "(OE)"),
    ("ib_uverbs", 131072, "2 rdma_ucm,mlx5_ib, ", "(OE)"),
    ("ib_core", 389120, "5 rdma_ucm,ib_ipoib,ib_umad,mlx5_ib,ib_uverbs, ", "(OE)"),
    ("mlx5_core", 1634304, "1 mlx5_ib, ", "(OE)"),
)


def render(node: SimNode) -> Files:
    """The files that stay as they are while the node is up."""
    shape = node.shape
    boot = f"BOOT_IMAGE=/boot/vmlinuz-{shape.kernel} root=/dev/mapper/vg0-root ro iommu=pt quiet\n"
    files: Files = {
        "proc/meminfo": meminfo(node),
        "proc/cpuinfo": cpuinfo(
            shape.cpu_vendor, shape.cpu_model, node.sockets, shape.cores_per_socket, shape.threads_per_core
        ),
        "proc/cmdline": boot,
        "proc/modules": modules(node),
        "proc/version": f"Linux version {shape.kernel} (buildd@lcy02) (gcc 11.4.0) #122-Ubuntu SMP\n",
        "proc/self/limits": limits(node.memlock_kib, node.open_files),
        "proc/sys/kernel/osrelease": f"{shape.kernel}\n",
        "proc/sys/kernel/hostname": f"{node.hostname}\n",
        "proc/sys/kernel/numa_balancing": "0\n",
        "proc/swaps": "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n",
        "proc/net/tcp6": _TCP_HEAD.replace(
            "local_address rem_address  ", "local_address" + " " * 25 + "remote_address" + " " * 24
        ),
        "etc/hostname": f"{node.hostname}\n",
        "etc/os-release": os_release(shape.os_name),
        "etc/fstab": host_files.fstab(),
        **host_files.tenant(node),
        "home/.keep": "",
        "dev/shm/.keep": "",
        "dev/ipmi0": "",
        "var/log/wtmp": "",
        **live(node, node.started),
        **host_files.proc(node),
        **host_files.rshim(node),
    }
    for device, *_ in host_files.drives(node):
        files[f"dev/{device}"] = ""
    for number in range(len(node.hcas)):
        files[f"dev/infiniband/uverbs{number}"] = ""
    if shape.has_imex:
        files["dev/nvidia-caps-imex-channels/channel0"] = ""
    if shape.gpu_vendor == "amd" and node.driver_loaded:
        files |= {"dev/kfd": "", "opt/rocm/lib/librccl.so.1.0.60403": ""}
    if shape.gpu_vendor != "nvidia":
        return files
    if node.nccl:
        files[f"usr/lib/{shape.machine}-linux-gnu/libnccl.so.{node.nccl}"] = ""
    if node.driver_loaded:
        files["proc/driver/nvidia/version"] = (
            f"NVRM version: NVIDIA UNIX Open Kernel Module for {shape.machine}  {node.driver}  Release Build  (dvs-builder)\n"
            "GCC version:  gcc version 11.4.0 (Ubuntu 11.4.0-1ubuntu1~22.04)\n"
        )
    for gpu in node.gpus:
        if gpu.presence is Presence.MISSING or not node.driver_loaded:
            continue
        files[f"proc/driver/nvidia/gpus/{gpu.bdf}/information"] = (
            f"Model: \t\t {gpu.name}\nIRQ:   \t\t 17\nGPU UUID: \t {gpu.uuid}\nBus Type: \t PCIe\n"
            f"Bus Location: \t {gpu.bdf}\nDevice Minor: \t {gpu.index}\n"
        )
        files[f"dev/nvidia{gpu.index}"] = ""
    return files


def live(node: SimNode, now: float) -> Files:
    """The files that change while the node is up."""
    booted, boot_id = node.boot_time, node.boot_id
    if node.reboots_after_s is not None and now - node.started > node.reboots_after_s:
        booted = node.started + node.reboots_after_s
        boot_id = str(uuid.uuid5(uuid.NAMESPACE_OID, node.boot_id))
    up = now - booted
    return {
        "proc/sys/kernel/random/boot_id": f"{boot_id}\n",
        "proc/uptime": f"{up:.2f} {up * node.threads * 0.98:.2f}\n",
        "proc/loadavg": f"0.31 0.22 0.18 1/{node.threads * 11} 48213\n",
        "proc/stat": f"cpu  0 0 0 0 0 0 0 0 0 0\nbtime {int(booted)}\n",
        "proc/net/tcp": tcp(node),
    }


def tcp(node: SimNode) -> str:
    """The listening sockets: sshd and every test server."""
    rows = [
        f"{row:4d}: 00000000:{port:04X} 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0"
        f"        0 {30000 + port} 1 0000000000000000 100 0 0 10 0\n"
        for row, port in enumerate([22, *sorted(node.listening)])
    ]
    return _TCP_HEAD + "".join(rows)


def numa_nodes(node: SimNode) -> list[tuple[str, int]]:
    """The processors and KiB of each NUMA node: one for each socket, and on Grace one without processors for each GPU.

    Firmware and kernel keep about 1.6 % of the installed memory to themselves.
    """
    each = node.threads // node.sockets
    mine = int(node.memory_gib * 1024 * 1024 * 0.984) // node.sockets
    found = [(f"{k * each}-{(k + 1) * each - 1}", mine) for k in range(node.sockets)]
    grace = node.shape.gpu_vendor and node.shape.gpu.addressing == "ATS"
    return found + [("", gpu.memory_mib * 1024) for gpu in node.visible_gpus if grace]


def meminfo(node: SimNode) -> str:
    """All memory of all NUMA nodes."""
    total = sum(kib for _, kib in numa_nodes(node))
    rows = {
        "MemTotal": total,
        "MemFree": total - 31457280,
        "MemAvailable": total - 20971520,
        "Buffers": 412344,
    }
    rows |= {"Cached": 9437184, "SwapCached": 0, "SwapTotal": 0, "SwapFree": 0, "Shmem": 66112}
    text = "".join(f"{name + ':':<16}{kib:>9} kB\n" for name, kib in rows.items())
    used = node.left.huge_pages
    return (
        text
        + f"HugePages_Total:{used:>8}\nHugePages_Free:{0:>9}\nHugePages_Rsvd:{0:>9}\nHugepagesize:       2048 kB\n"
    )


@functools.lru_cache(maxsize=8)
def cpuinfo(vendor: str, model: str, sockets: int, cores: int, threads: int) -> str:
    """One block for each thread; threads are numbered socket by socket, first siblings first."""
    rows = _arm_rows if vendor == "ARM" else _x86_rows
    blocks = [rows(cpu, vendor, model, sockets, cores, threads) for cpu in range(sockets * cores * threads)]
    return "\n".join("".join(f"{name}: {value}\n" for name, value in block) for block in blocks) + "\n"


_Rows = tuple[tuple[str, object], ...]


def _x86_rows(cpu: int, vendor: str, model: str, sockets: int, cores: int, threads: int) -> _Rows:
    core = cpu % (sockets * cores)
    family, number, stepping = (25, 17, 1) if vendor == "AuthenticAMD" else (6, 143, 8)
    return (
        ("processor\t", cpu),
        ("vendor_id\t", vendor),
        ("cpu family\t", family),
        ("model\t\t", number),
        ("model name\t", model),
        ("stepping\t", stepping),
        ("microcode\t", "0x2b000603"),
        ("cpu MHz\t\t", "2000.000"),
        ("cache size\t", "107520 KB"),
        ("physical id\t", core // cores),
        ("siblings\t", cores * threads),
        ("core id\t\t", core % cores),
        ("cpu cores\t", cores),
        ("fpu\t\t", "yes"),
        ("flags\t\t", "fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge avx512f amx_tile"),
        ("bogomips\t", "4000.00"),
    )


def _arm_rows(cpu: int, vendor: str, model: str, sockets: int, cores: int, threads: int) -> _Rows:
    """Arm names neither its model nor its socket here."""
    return (
        ("processor\t", cpu),
        ("BogoMIPS\t", "2000.00"),
        ("Features\t", "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid sve sve2"),
        ("CPU implementer\t", "0x41"),
        ("CPU architecture", 8),
        ("CPU variant\t", "0x0"),
        ("CPU part\t", "0xd4f"),
        ("CPU revision\t", 0),
    )


def limits(memlock_kib: int, open_files: int) -> str:
    """/proc/self/limits of the login."""
    lock = "unlimited" if memlock_kib == UNLIMITED else str(memlock_kib * 1024)
    max_files = 1048576 if open_files >= 1024 else open_files
    rows = (
        ("Max cpu time", "unlimited", "unlimited", "seconds"),
        ("Max file size", "unlimited", "unlimited", "bytes"),
        ("Max data size", "unlimited", "unlimited", "bytes"),
        ("Max stack size", "8388608", "unlimited", "bytes"),
        ("Max core file size", "0", "unlimited", "bytes"),
        ("Max resident set", "unlimited", "unlimited", "bytes"),
        ("Max processes", "8254387", "8254387", "processes"),
        ("Max open files", str(open_files), str(max_files), "files"),
        ("Max locked memory", lock, lock, "bytes"),
        ("Max address space", "unlimited", "unlimited", "bytes"),
        ("Max file locks", "unlimited", "unlimited", "locks"),
        ("Max pending signals", "8254387", "8254387", "signals"),
        ("Max msgqueue size", "819200", "819200", "bytes"),
        ("Max nice priority", "0", "0", ""),
        ("Max realtime priority", "0", "0", ""),
        ("Max realtime timeout", "unlimited", "unlimited", "us"),
    )
    head = f"{'Limit':<25} {'Soft Limit':<20} {'Hard Limit':<20} {'Units':<10}\n"
    return head + "".join(f"{a:<25} {b:<20} {c:<20} {d:<10}\n" for a, b, c, d in rows)


def modules(node: SimNode) -> str:
    return "".join(
        f"{name} {size} {used}Live 0x0000000000000000 {taint}\n" for name, size, used, taint in _loaded(node)
    )


def module_rows(node: SimNode) -> list[tuple[str, int, str]]:
    """Name, size and users of each module, as lsmod prints them."""
    return [
        (name, size, used.removesuffix(" - ").removesuffix(", ").rstrip())
        for name, size, used, _ in _loaded(node)
    ]


def _loaded(node: SimNode) -> tuple[_MODULE, ...]:
    shape = node.shape
    gpus = {"nvidia": _NVIDIA_MODULES, "amd": _AMD_MODULES}.get(shape.gpu_vendor, ())
    rows = (gpus if node.driver_loaded else ()) + (_RDMA_MODULES if shape.mlx5 else ())
    return tuple(row for row in rows if row[0] not in node.unloaded)


def os_release(name: str) -> str:
    version = name.split()[1]
    word = {"22": "Jammy Jellyfish", "24": "Noble Numbat"}.get(version[:2], "LTS")
    return (
        f'PRETTY_NAME="{name}"\nNAME="Ubuntu"\nVERSION_ID="{version.rsplit(".", 1)[0]}"\n'
        f'VERSION="{version} LTS ({word})"\nVERSION_CODENAME={word.split()[0].lower()}\nID=ubuntu\nID_LIKE=debian\n'
    )
