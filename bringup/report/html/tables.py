"""The report's tables: links as built and versions by group."""

from __future__ import annotations

from collections.abc import Sequence

from bringup.inventory.names import natural_key
from bringup.report import text, words
from bringup.report.html.markup import Markup, tag
from bringup.report.readings import Link, Version

MOST_LINKS = 1_200
_MOST_LEAVES = 40
_HEADS = (
    "Place",
    "Node",
    "Rail",
    "Port",
    "Cable",
    "Planned at",
    "Read there",
    "State",
    "Rate",
    "Optic",
    "GUID",
    "Best",
)


def link_matrix(links: Sequence[Link]) -> Markup | None:
    """Both ends of every planned link with what was read there; of a large fleet the odd ones, and a sum by leaf."""
    if not links:
        return None
    large = len(links) > MOST_LINKS
    shown = [link for link in links if link.odd] if large else list(links)
    blocks: list[Markup] = [tag("h2", "Links as built")]
    how = "What the plan says of every port and what was read there. A dot: not read. Marked: a defect or a limit that is broken."
    if large:
        how += f" Of {len(links):,} links those that are out of order; all of them: bringup report RUN --format links-csv."
        blocks += [tag("p", how, class_="how"), _by_leaf(links)]
    else:
        blocks.append(tag("p", how, class_="how"))
    if shown:
        rows = [(link, _row(link)) for link in shown[:MOST_LINKS]]
        used = [i for i in range(len(_HEADS)) if any(row[i] for _, row in rows)]
        body = [
            tag("tr", *(tag("td", row[i] or "\u00b7") for i in used), class_="odd" if link.odd else "lead")
            for link, row in rows
        ]
        head = tag("thead", tag("tr", *(tag("th", _HEADS[i]) for i in used)))
        blocks.append(tag("div", tag("table", head, tag("tbody", *body)), class_="wide tight"))
    if len(shown) > MOST_LINKS:
        blocks.append(tag("p", f"and {len(shown) - MOST_LINKS:,} more", class_="dim"))
    return tag("section", *blocks, id="links")


def _row(link: Link) -> list[str]:
    read = link.read
    planned = " port ".join(filter(None, (link.port.leaf, link.port.leaf_port)))
    cells = (
        link.node.place, link.node.name, str(link.port.rail), link.port.hca, link.port.cable, planned, link.seen_at,
        " ".join(filter(None, (read.get("state"), _phys(read.get("phys_state"))))),
        " ".join(filter(None, (read.get("rate"), read.get("width")))),
        " ".join(filter(None, (read.get("optic"), read.get("optic serial")))),
        read.get("guid") or read.get("hardware address") or "",
        f"{link.best:.4g}" if link.best is not None else "",
    )  # fmt: skip
    return [text.line(cell, 80) for cell in cells]


def _phys(state: str | None) -> str | None:
    """The physical state where it says more than that the link is up."""
    return None if state == "LinkUp" else state


def _by_leaf(links: Sequence[Link]) -> Markup:
    leaves: dict[str, list[Link]] = {}
    for link in links:
        leaves.setdefault(link.port.leaf, []).append(link)
    rows = []
    fine = 0
    for leaf in sorted(leaves, key=natural_key):
        mine = leaves[leaf]
        odd = sum(link.odd for link in mine)
        if not odd and len(leaves) > _MOST_LEAVES:
            fine += 1
            continue
        rates = sorted({link.read.get("rate", "") for link in mine} - {""})
        cells = (text.line(leaf, 60) or "not planned", f"{len(mine):,}", f"{sum(bool(x.read) for x in mine):,}",
                 f"{odd:,}" if odd else "\u00b7", text.line(", ".join(rates), 80) or "\u00b7")  # fmt: skip
        rows.append(tag("tr", *(tag("td", cell) for cell in cells), class_="odd" if odd else "lead"))
    if fine:
        said = f"and {words.plural(fine, 'leaf', 'leaves')} with every link in order"
        rows.append(tag("tr", tag("td", said, colspan="5"), class_="lead"))
    head = tag("tr", *(tag("th", name) for name in ("Leaf", "Links", "Read", "Out of order", "Rates")))
    return tag("div", tag("table", tag("thead", head), tag("tbody", *rows)), class_="wide")


def version_table(versions: Sequence[Version]) -> Markup | None:
    """What is installed on which nodes; a minority is marked."""
    if not versions:
        return None
    rows = []
    several = len({version.group for version in versions}) > 1
    for version in versions:
        for index, (value, nodes) in enumerate(version.values[:12]):
            name = text.line(version.name, 60) if index == 0 else ""
            group = [tag("td", text.line(version.group, 40) if index == 0 else "")] if several else []
            said = tag("td", tag("code", text.line(value, 160)))
            where = tag("td", f"{words.plural(len(nodes), 'node')}: {words.names(nodes, 160)}")
            rows.append(tag("tr", tag("td", name), *group, said, where, class_="odd" if index else "lead"))
        if len(version.values) > 12:
            rows.append(tag("tr", tag("td", ""), tag("td", f"and {len(version.values) - 12:,} more values")))
    heads = ["What", *(["Profile"] if several else []), "Version", "Nodes"]
    table = tag("table", tag("thead", tag("tr", *(tag("th", h) for h in heads))), tag("tbody", *rows))
    how = "By profile, the most frequent first; marked: another version than most nodes of the same profile have."
    return tag(
        "section",
        tag("h2", "Versions"),
        tag("p", how, class_="how"),
        tag("div", table, class_="wide"),
        id="versions",
    )
