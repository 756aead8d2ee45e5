"""Programs of the operating system: identity, services, kernel log, clock, modules."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from bringup.mock import kernel_log, procfs
from bringup.mock.hardware import SimNode
from bringup.mock.switchboard import Reply
from bringup.mock.tools.call import Call, Options

_LOOPBACK_SOURCE = "A29FC801"


def hostname(call: Call) -> Reply:
    short = call.node.hostname.partition(".")[0]
    return Reply(stdout=(short if Options(call.args, ()).has("-s", "--short") else call.node.hostname) + "\n")


def uname(call: Call) -> Reply:
    node = call.node
    fields = {
        "s": "Linux",
        "n": node.hostname,
        "r": node.shape.kernel,
        "v": "#122-Ubuntu SMP Thu May 23 07:48:21 UTC 2024",
        **dict.fromkeys("mpi", node.shape.machine),
        "o": "GNU/Linux",
    }
    flags = "".join(arg.lstrip("-") for arg in call.args) or "s"
    wanted = fields.keys() if "a" in flags else [letter for letter in fields if letter in flags]
    return Reply(stdout=" ".join(fields[letter] for letter in wanted) + "\n")


def lscpu(call: Call) -> Reply:
    shape, node = call.node.shape, call.node
    half = shape.cores_per_socket
    rows: dict[str, object] = {
        "Architecture": shape.machine,
        "CPU op-mode(s)": "32-bit, 64-bit" if shape.machine == "x86_64" else "64-bit",
        "Byte Order": "Little Endian",
        "CPU(s)": node.threads,
        "On-line CPU(s) list": f"0-{node.threads - 1}",
        "Vendor ID": shape.cpu_vendor,
        "Model name": shape.cpu_model,
        "Thread(s) per core": shape.threads_per_core,
        "Core(s) per socket": half,
        "Socket(s)": node.sockets,
        "NUMA node(s)": node.sockets,
    }
    for numa in range(node.sockets):
        firsts = [(thread * node.sockets + numa) * half for thread in range(shape.threads_per_core)]
        rows[f"NUMA node{numa} CPU(s)"] = ",".join(f"{first}-{first + half - 1}" for first in firsts)
    return Reply(stdout="".join(f"{name + ':':<33}{value}\n" for name, value in rows.items()))


def dmidecode(call: Call) -> Reply:
    """Only `-s KEYWORD`, and only as root."""
    if not call.as_root:
        return Reply(
            1,
            stderr="/sys/firmware/dmi/tables/smbios_entry_point: Permission denied\nCan't read memory from /dev/mem\n",
        )
    node = call.node
    known = {
        "system-serial-number": node.serial,
        "system-product-name": node.shape.product,
        "system-manufacturer": node.shape.vendor,
        "bios-version": node.shape.bios,
        "chassis-serial-number": node.serial,
    }
    keyword = Options(call.args, ("-s", "--string")).get("-s", "--string")
    if keyword not in known:
        return Reply(2, stderr=f"Invalid string keyword: {keyword}\n")
    return Reply(stdout=known[keyword] + "\n")


def lsmod(call: Call) -> Reply:
    rows = [f"{name:<22} {size:>9}  {users}\n" for name, size, users in procfs.module_rows(call.node)]
    return Reply(stdout="Module                  Size  Used by\n" + "".join(rows))


def ofed_info(call: Call) -> Reply:
    return Reply(stdout=call.node.shape.ofed + "\n")


# ------------------------------------------------------------------------------------------------ services


def systemctl(call: Call) -> Reply:
    options = Options(call.args, ("-p", "--property", "-t", "--type", "-n", "--lines"))
    verb, *names = options.words or ["list-units"]
    if verb == "show" and len(names) > 1:
        several = [systemctl(replace(call, args=(*_flags(call.args, names), name))) for name in names]
        return Reply(stdout="\n".join(one.stdout for one in several))
    unit = names[0] if names else ""
    unit = unit if "." in unit or not unit else f"{unit}.service"
    load, active, sub, result = _unit(call.node, unit)
    if verb == "is-active":
        return Reply(0 if active == "active" else 3, stdout=active + "\n")
    if verb == "is-enabled":
        return Reply(0 if load == "loaded" else 1, stdout="enabled\n" if load == "loaded" else "not-found\n")
    if verb == "show":
        values = {"Id": unit, "LoadState": load, "ActiveState": active, "SubState": sub, "Result": result}
        wanted = (
            options.get("-p", "--property").split(",") if options.has("-p", "--property") else list(values)
        )
        if options.has("--value"):
            return Reply(stdout="".join(f"{values[k]}\n" for k in wanted if k in values))
        return Reply(stdout="".join(f"{k}={v}\n" for k, v in values.items() if k in wanted))
    if verb == "status":
        return _status(unit, load, active, sub, result)
    if verb in ("list-units", "is-system-running"):
        return Reply(stdout="running\n" if verb == "is-system-running" else "0 loaded units listed.\n")
    return Reply(1, stderr=f"Unknown command verb {verb}.\n")


def _flags(args: Sequence[str], names: Sequence[str]) -> list[str]:
    return [arg for arg in args if arg not in names]


def _unit(node: SimNode, unit: str) -> tuple[str, str, str, str]:
    running = ("loaded", "active", "running", "success")
    failed = ("loaded", "failed", "failed", "exit-code")
    states = {"active": running, "failed": failed}
    absent = ("not-found", "inactive", "dead", "success")
    units = {
        "nvidia-fabricmanager.service": states.get(node.fabric_manager, absent),
        "nvidia-imex.service": states.get(node.imex, absent),
        "nvidia-persistenced.service": running if node.shape.gpu_vendor == "nvidia" else absent,
        "chrony.service": running,
        "lldpd.service": running,
        "sshd.service": running,
        "ssh.service": running,
    }
    changed = node.services.get(unit)
    return states.get(changed, absent) if changed else units.get(unit, absent)


def _status(unit: str, load: str, active: str, sub: str, result: str) -> Reply:
    if load == "not-found":
        return Reply(4, stderr=f"Unit {unit} could not be found.\n")
    name = unit.removesuffix(".service")
    mark, since = ("●", "active (running)") if active == "active" else ("×", f"failed (Result: {result})")
    text = (
        f"{mark} {unit} - {name}\n"
        f"     Loaded: loaded (/lib/systemd/system/{unit}; enabled; vendor preset: enabled)\n"
        f"     Active: {since} since {time.strftime('%a %Y-%m-%d %H:%M:%S UTC', time.gmtime(time.time() - 86400))}; 1 day ago\n"
        f"   Main PID: 9946 ({name[:15] if sub == 'running' else 'code=exited, status=1/FAILURE'})\n"
    )
    return Reply(0 if active == "active" else 3, stdout=text)


# ---------------------------------------------------------------------------------------------- kernel log


def dmesg(call: Call) -> Reply:
    if not call.as_root:
        return Reply(1, stderr="dmesg: read kernel buffer failed: Operation not permitted\n")
    options = Options(call.args, ("-l", "--level", "-f", "--facility", "--time-format"))
    head: Callable[[SimNode, float], str] = _raw
    if options.has("-T", "--ctime"):
        head = _wall
    elif options.get("--time-format") == "iso":
        head = _iso
    return Reply(stdout=_log(call.node, head))


def journalctl(call: Call) -> Reply:
    """Only the kernel's part: `-k` or `--dmesg`, with `-o short-monotonic` or syslog-like lines."""
    options = Options(
        call.args, ("-o", "--output", "-u", "--unit", "-n", "--lines", "--since", "-b", "--boot")
    )
    if not call.as_root:
        return Reply(1, stderr="No journal files were opened due to insufficient permissions.\n")
    if not options.has("-k", "--dmesg"):
        return Reply(stdout="-- No entries --\n")
    if options.get("-o", "--output") == "short-monotonic":
        return Reply(stdout=_log(call.node, lambda n, stamp: f"[{stamp:12.6f}] {n.hostname} kernel: "))
    return Reply(stdout=_log(call.node, _syslog))


def _log(node: SimNode, head: Callable[[SimNode, float], str]) -> str:
    lines = kernel_log.text_of(node)
    return "".join(f"{head(node, line.stamp)}{line.text}\n" for line in lines)


def _raw(_: SimNode, stamp: float) -> str:
    return f"[{stamp:12.6f}] "


def _wall(node: SimNode, stamp: float) -> str:
    return time.strftime("[%a %b %e %H:%M:%S %Y] ", time.localtime(node.boot_time + stamp))


def _iso(node: SimNode, stamp: float) -> str:
    when = node.boot_time + stamp
    return time.strftime(f"%Y-%m-%dT%H:%M:%S,{int(when % 1 * 1e6):06d}+00:00 ", time.gmtime(when))


def _syslog(node: SimNode, stamp: float) -> str:
    when = time.strftime("%b %d %H:%M:%S", time.localtime(node.boot_time + stamp))
    return f"{when} {node.hostname} kernel: "


# -------------------------------------------------------------------------------------------------- clock


def timedatectl(call: Call) -> Reply:
    """Only `show`, as far as the clock's state goes: chronyd looks after it, not systemd-timesyncd."""
    if call.args[:1] == ("timesync-status",):
        name = "org.freedesktop.timesync1"
        return Reply(
            1, stderr=f"Failed to query server: The name {name} was not provided by any .service files\n"
        )
    synced = "yes" if call.node.clock_synced else "no"
    values = {
        "Timezone": "Etc/UTC",
        "LocalRTC": "no",
        "CanNTP": "yes",
        "NTP": synced,
        "NTPSynchronized": synced,
    }
    options = Options(call.args, ("-p", "--property"))
    wanted = options.get("-p", "--property")
    return Reply(stdout="".join(f"{k}={v}\n" for k, v in values.items() if not wanted or k == wanted))


def chronyc(call: Call) -> Reply:
    options = Options(call.args, ("-h", "-p"))
    if options.words[:1] != ["tracking"]:
        return Reply(
            1, stdout="506 Cannot talk to daemon\n" if not options.words else "Unrecognized command\n"
        )
    node = call.node
    offset = node.clock_offset_s
    synced = node.clock_synced
    stamp = time.time() - 23.5 if synced else 0.0
    if options.has("-c"):
        source = (_LOOPBACK_SOURCE, "10.0.0.1") if synced else ("7F7F0101", "")
        fields: list[object] = [
            *source,
            3 if synced else 10,
            f"{stamp:.9f}",
            f"{-offset:.9f}",
            f"{offset / 7:.9f}",
            f"{abs(offset) / 3:.9f}",
            "-5.312",
            "0.001",
            "0.027",
            "0.000412013",
            "0.000211006",
            "64.2",
            "Normal" if synced else "Not synchronised",
        ]
        return Reply(stdout=",".join(map(str, fields)) + "\n")
    when = time.strftime("%a %b %d %H:%M:%S %Y", time.gmtime(stamp))
    way = "fast" if offset > 0 else "slow"
    rows = {
        "Reference ID": f"{_LOOPBACK_SOURCE} (10.0.0.1)" if synced else "7F7F0101 ()",
        "Stratum": 3 if synced else 10,
        "Ref time (UTC)": when,
        "System time": f"{abs(offset):.9f} seconds {way} of NTP time",
        "Last offset": f"{offset / 7:+.9f} seconds",
        "RMS offset": f"{abs(offset) / 3:.9f} seconds",
        "Frequency": "5.312 ppm slow",
        "Residual freq": "+0.001 ppm",
        "Skew": "0.027 ppm",
        "Root delay": "0.000412013 seconds",
        "Root dispersion": "0.000211006 seconds",
        "Update interval": "64.2 seconds",
        "Leap status": "Normal" if synced else "Not synchronised",
    }
    return Reply(stdout="".join(f"{name:<16}: {value}\n" for name, value in rows.items()))
