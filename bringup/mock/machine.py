"""The part of a simulated node that is real: its folders, its PATH, the environment of its shells.

FOLDER/tools/K/       the simulated programs of one shape (all are one script) with sudo and id
FOLDER/utilities/     links to basic utilities of this machine
FOLDER/nodes/N/       bin, utilities (links to the two above), root, home, tmp
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Collection
from pathlib import Path

from bringup.mock.programs import PROGRAMS, UTILITIES

USER = "sim"

_SUDO = """#!/bin/sh
# sudo of a simulated node: needs no password, or refuses where the node is simulated so.
if [ -e "${{0%/bin/*}}/no-sudo" ]; then
  echo "sudo: a password is required" >&2
  exit 1
fi
while :; do
  case $1 in
    -u|-g|-C|-p|-h) shift 2 ;;
    --) shift; break ;;
    -*) shift ;;
    [A-Za-z_]*=*) export "$1"; shift ;;
    *) break ;;
  esac
done
[ $# -gt 0 ] || exit 0
SIMULATED_ROOT=1
export SIMULATED_ROOT
exec "$@"
"""
_ID = """#!/bin/sh
# id of a simulated node: the login is no root, except below sudo.
n=1000 w={user}
[ "${{SIMULATED_ROOT:-0}}" = 1 ] && n=0 w=root
case $* in
  -u|-g) echo $n ;;
  *n*) echo $w ;;
  *) echo "uid=$n($w) gid=$n($w) groups=$n($w)" ;;
esac
"""


class Machines:
    """Makes the folders. One node's folder is made when the node is first needed."""

    def __init__(self, folder: Path, shim: str) -> None:
        self._folder = folder
        self._shim = shim
        self._tools: dict[frozenset[str], Path] = {}
        self._utilities = folder / "utilities"
        (folder / "tools").mkdir(mode=0o700)
        self._utilities.mkdir(mode=0o700)
        for name in UTILITIES:
            found = shutil.which(name)
            if found is not None:
                (self._utilities / name).symlink_to(found)

    def _programs(self, absent: Collection[str]) -> Path:
        """The folder of all simulated programs but these; nodes of one shape share it."""
        key = frozenset(absent)
        if key not in self._tools:
            at = self._tools[key] = self._folder / "tools" / str(len(self._tools))
            at.mkdir(mode=0o700)
            self._write(at / "simulated", self._shim)
            for name in (name for name in PROGRAMS if name not in key):
                (at / name).symlink_to("simulated")
            self._write(at / "sudo", _SUDO.format())
            self._write(at / "id", _ID.format(user=USER))
        return self._tools[key]

    @staticmethod
    def _write(file: Path, text: str) -> None:
        file.write_text(text, encoding="utf-8")
        file.chmod(0o700)

    def make(
        self,
        home: Path,
        absent: Collection[str] = (),
        *,
        missing: Collection[str] = (),
        sudo: bool = True,
        scratch: bool = True,
        login_s: float = 0.0,
    ) -> None:
        """The folders of one node below `home`, without the programs that are `missing`.

        `absent` are those that no node of its kind has; `login_s` is how long the profile of its shell takes.
        """
        (home / "home").mkdir(mode=0o700, parents=True)
        if login_s:
            (home / "home" / ".profile").write_text(f"sleep {login_s:g}\n", encoding="ascii")
        if scratch:
            (home / "tmp").mkdir(mode=0o700)
        else:
            (home / "tmp").touch()  # nothing can be made in it, not even by root
        _linked(home / "bin", self._programs(absent), missing)
        _linked(home / "utilities", self._utilities, missing)
        if not sudo:
            (home / "no-sudo").touch()

    @staticmethod
    def environment(home: Path) -> dict[str, str]:
        """The environment of the node's shells."""
        return {
            "PATH": f"{home}/bin:{home}/utilities",
            "BRINGUP_PATH": f"{home}/utilities",  # programs of this machine are not on the simulated node
            "HOME": f"{home}/home",
            "TMPDIR": f"{home}/tmp",
            "USER": USER,
            "LOGNAME": USER,
            "SHELL": "/bin/sh",
            "LANG": "C.UTF-8",
            "BRINGUP_ROOT": f"{home}/root",
        }


def _linked(at: Path, source: Path, missing: Collection[str]) -> None:
    """The whole folder as one link, or link by link where programs are missing."""
    if not any((source / name).is_symlink() for name in missing):
        at.symlink_to(source)
        return
    at.mkdir(mode=0o700)
    for entry in source.iterdir():
        if entry.name not in missing:
            (at / entry.name).symlink_to(entry)


def processes(folder: Path) -> dict[int, str]:
    """Processes of simulated nodes below `folder` that still run, with their command lines (Linux only).

    They are known by their environment, so that one which left its process group is found as well.
    """
    mark = f"BRINGUP_ROOT={folder}".encode()
    found: dict[int, str] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (entry / "environ").read_bytes():
                words = (entry / "cmdline").read_bytes().split(b"\0")
                found[int(entry.name)] = b" ".join(words).decode("utf-8", "replace").strip()
        except OSError:
            continue  # it ended, or belongs to somebody else
    found.pop(os.getpid(), None)
    return found


def end_processes(folder: Path) -> None:
    """Kill what still runs on simulated nodes below `folder`."""
    for pid in processes(folder):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
