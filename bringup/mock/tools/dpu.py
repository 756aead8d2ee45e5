"""`mlxconfig -d BDF -e query NAME...` for the BlueField cards of a node."""

from __future__ import annotations

from bringup.mock.hardware import Nic
from bringup.mock.switchboard import Reply
from bringup.mock.tools.call import Call, Options

_ENGINE = {"nic": "DISABLED(1)", "dpu": "ENABLED(0)"}


def mlxconfig(call: Call) -> Reply:
    """The settings of the card's own processors; a card that is no BlueField has none of them."""
    if not call.as_root:
        return Reply(1, stderr="-E- You must be root to use mlxconfig tool.\n")
    options = Options(call.args, ("-d",))
    card = next((n for n in call.node.nics if n.kind.bdf == options.get("-d") and n.kind.is_dpu), None)
    if card is None:
        return Reply(3, stdout="", stderr="-E- Failed to open the device\n")
    rows = [_row(name, card) for name in options.words[1:]]
    head = (
        f"\nDevice #1:\n----------\n\nDevice type:        BlueField3\nName:               900-9D3B6-00CN-A_Ax\n"
        f"Device:             {card.kind.bdf}\n\n"
        f"{'Configurations:':<48}{'Default':<26}{'Current':<26}Next Boot\n"
    )
    return Reply(stdout=head + "".join(rows))


def _row(name: str, card: Nic) -> str:
    if name == "INTERNAL_CPU_MODEL":
        values = ("EMBEDDED_CPU(1)",) * 3
    else:
        values = (_ENGINE["dpu"], _ENGINE[card.mode], _ENGINE[card.next_mode or card.mode])
    mark = "*" if len(set(values)) > 1 else " "
    return f"{mark}       {name:<40}{values[0]:<26}{values[1]:<26}{values[2]}\n"
