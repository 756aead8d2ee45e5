"""The same screens in a browser, for a person without a terminal. Only reads, and only for this machine unless told.

Every visitor gets a process of their own that follows the journal. The server knows no passwords: beyond this machine it
belongs behind the site's own proxy.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from bringup.errors import RunFolderError, UsageError

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def command(folder: Path) -> str:
    """What each visitor's process runs, as the shell text that the server wants."""
    return shlex.join([sys.executable, "-m", "bringup", "watch", str(folder.resolve()), "--read-only"])


def serve(folder: Path, host: str, port: int, public_url: str = "") -> None:
    """Serve a run until interrupted. Raises UsageError where the extra package is not installed."""
    if not folder.is_dir():
        raise RunFolderError(f"{folder}: no such run folder")
    try:
        from textual_serve.server import Server
    except ImportError as error:
        raise UsageError("--web needs the package textual-serve: pip install 'bringup[web]'") from error
    Server(command(folder), host=host, port=port, title="bringup", public_url=public_url or None).serve()


def warning(host: str) -> str:
    """What to say before others can reach it; empty on this machine only."""
    if host in LOOPBACK:
        return ""
    return (
        f"{host}: everybody who reaches this port sees the run; there is no password, put a proxy before it"
    )
