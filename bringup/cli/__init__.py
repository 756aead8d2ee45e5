"""The command `bringup`. Commands live in modules of their own and are imported only when they are asked for."""

from __future__ import annotations

import atexit
import errno
import gc
import importlib
import os
import sys
import traceback

import click

from bringup import __version__
from bringup.errors import NothingSelected, TransportError, UsageError
from bringup.model import Exit

COMMANDS = {
    "run": "bringup.cli.run:run",
    "resume": "bringup.cli.run:resume",
    "plan": "bringup.cli.plan:plan",
    "watch": "bringup.cli.watch:watch",
    "report": "bringup.cli.look:report",
    "defects": "bringup.cli.look:defects",
    "claim": "bringup.cli.claim:claim",
    "fixed": "bringup.cli.claim:fixed",
    "waive": "bringup.cli.claim:waive",
    "note": "bringup.cli.claim:note",
    "retest": "bringup.cli.retest:retest",
    "swap": "bringup.cli.swap:swap",
    "diff": "bringup.cli.history:compare",
    "history": "bringup.cli.history:history",
    "show": "bringup.cli.look:show",
    "handover": "bringup.cli.handover:handover",
    "act": "bringup.cli.act:act",
    "verify": "bringup.cli.verify:verify",
    "rejudge": "bringup.cli.rejudge:rejudge",
    "checks": "bringup.cli.checks:checks",
    "inventory": "bringup.cli.describe:inventory",
    "profile": "bringup.cli.profile:profile",
    "mock": "bringup.cli.mock:mock",
    "campaign": "bringup.cli.campaign:command",
    "doctor": "bringup.cli.doctor:doctor",
    "version": "bringup.cli.describe:version",
}


_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
"""The orchestrator's own disk takes nothing more: no fault of the program, so no traceback."""


class Lazy(click.Group):
    """A group whose commands are imported when they are used: `bringup --help` stays quick and headless."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        where = COMMANDS.get(cmd_name)
        if where is None:
            return None
        module, _, name = where.partition(":")
        command = getattr(importlib.import_module(module), name)
        return command if isinstance(command, click.Command) else None


@click.group(
    cls=Lazy, context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "BRINGUP"}
)
@click.version_option(__version__, "-V", "--version", prog_name="bringup")
def cli() -> None:
    """Validate a new GPU cluster over SSH: is it ready, and if not, who must walk where and do what?

    \b
    bringup run                       the simulated cluster, to see what a run looks like
    bringup plan -i hall-2.yaml       everything that would run, nothing is touched
    bringup run  -i hall-2.yaml       the run; ends READY, NOT READY or INCOMPLETE
    bringup watch last                follow or replay a run in the terminal UI

    Exit codes: 0 ready, 1 defects, 2 usage, 3 incomplete (something was not judged), 4 internal error,
    5 nothing selected, 130 interrupted. Every option can be given as BRINGUP_COMMAND_OPTION in the environment.
    """


def main() -> None:
    """Run the command line and exit with its code; a person's mistake never shows a traceback."""
    # Else Python looks for garbage in all that it has, only to end: a tenth of a second.
    atexit.register(gc.freeze)
    try:
        code = cli.main(standalone_mode=False)
        raise SystemExit(code if isinstance(code, int) else 0)
    except click.exceptions.Abort:
        code = Exit.INTERRUPTED
    except KeyboardInterrupt:
        code = Exit.INTERRUPTED
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except NothingSelected as error:
        click.echo(str(error), err=True)
        code = Exit.NOTHING_SELECTED
    except (UsageError, TransportError) as error:
        click.echo(str(error), err=True)
        code = Exit.USAGE
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = Exit.INTERNAL
    except OSError as error:
        if error.errno not in _NO_ROOM:
            traceback.print_exc()
        click.echo(f"bringup: cannot go on: {error}; a run that was begun can be resumed", err=True)
        code = Exit.INTERNAL
    except Exception:  # noqa: BLE001  the last door: say where it happened and give the code for an internal error
        traceback.print_exc()
        click.echo("bringup: internal error; please report the text above", err=True)
        code = Exit.INTERNAL
    raise SystemExit(code)
