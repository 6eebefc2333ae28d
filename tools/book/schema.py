"""The page of the database schema, and its diagram, out of the migrations."""

from __future__ import annotations

import dataclasses
import html
import pathlib
import re
import sqlite3

HUB = "workspaces"


@dataclasses.dataclass
class Table:
    name: str
    about: str
    columns: list[tuple[str, str, bool, bool]]
    references: list[tuple[list[str], str]]
    indexes: list[str]


def migrated(root: pathlib.Path) -> sqlite3.Connection:
    """A database in memory with every migration applied, as SQLite gets them."""
    database = sqlite3.connect(":memory:")
    # SQLite has it since 3.41; the program brings a newer one than Python here and there.
    database.create_function("unhex", 2, lambda text, _: bytes.fromhex(text.replace("-", "")) if text else None)
    for file in sorted((root / "crates/storage/migrations/sqlite").glob("*.up.sql")):
        database.executescript(file.read_text())
    return database


def abouts(root: pathlib.Path) -> dict[str, str]:
    """What each table is: the first paragraph of the module that names it as "the `x` table"."""
    found: dict[str, str] = {}
    for file in sorted((root / "crates/storage/src").rglob("*.rs")):
        head = []
        for line in file.read_text().splitlines():
            if not line.startswith("//! "):
                break
            head.append(line.removeprefix("//! "))
        text = re.sub(r"\[(`[^`]*`)\](\([^)]*\))?", r"\1", " ".join(head))
        named = re.search(r"the ((?:`\w+`(?:, | and )?)+) tables?", text)
        for name in re.findall(r"`(\w+)`", named[1]) if named else []:
            found.setdefault(name, text)
    return found


def tables(root: pathlib.Path) -> list[Table]:
    database = migrated(root)
    about = abouts(root)
    names = [row[0] for row in database.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        " AND name NOT GLOB 'passages_fts_*' ORDER BY name")]

    read = []
    for name in names:
        columns = [(row[1], row[2] or "TEXT", bool(row[3]), bool(row[5]))
                   for row in database.execute(f"PRAGMA table_info({name})")]
        keys: dict[int, tuple[list[str], str]] = {}
        for row in database.execute(f"PRAGMA foreign_key_list({name})"):
            keys.setdefault(row[0], ([], row[2]))[0].append(row[3])
        indexes = [row[0] for row in database.execute(
            "SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL ORDER BY name", (name,))]
        read.append(Table(name, about.get(name, ""), columns, list(keys.values()), indexes))
    return read


def ranks(edges: dict[str, set[str]]) -> dict[str, int]:
    """How many steps of references a table is from one that has none."""
    rank: dict[str, int] = {}

    def of(name: str, path: tuple[str, ...] = ()) -> int:
        if name not in rank:
            deeper = [of(other, (*path, name)) for other in edges[name] if other not in path and other != name]
            rank[name] = 1 + max(deeper, default=-1)
        return rank[name]

    for name in sorted(edges):
        of(name)
    return rank


def diagram(read: list[Table]) -> str:
    """Tables from left to right, each to the right of those that it refers to. The reference to the workspace, which
    nearly all have, is a mark instead of a line."""
    edges = {table.name: {other for _, other in table.references if other not in (HUB, table.name)} for table in read}
    linked = {name for name, others in edges.items() if others} | {other for others in edges.values() for other in others}
    rank = ranks({name: edges[name] for name in linked})
    columns = [sorted(name for name in linked if rank[name] == level) for level in range(max(rank.values()) + 1)]
    back: dict[str, set[str]] = {name: set() for name in linked}
    for name in linked:
        for other in edges[name]:
            back[other].add(name)

    # Each column is sorted by the mean place of its neighbors, forth and back, until lines cross little.
    for sweep in range(12):
        place = {name: row / len(column) for column in columns for row, name in enumerate(column)}
        for column in columns if sweep % 2 == 0 else reversed(columns):
            near = {name: [place[other] for other in (edges[name] if sweep % 2 == 0 else back[name])] for name in column}
            column.sort(key=lambda name: (sum(near[name]) / len(near[name]) if near[name] else place[name], name))

    wide, high, gap, step = 168, 24, 92, 34
    tall = max(len(column) for column in columns) * step
    at = {}
    for level, column in enumerate(columns):
        free = tall / len(column)
        for row, name in enumerate(column):
            at[name] = (10 + level * (wide + gap), 10 + free * row + (free - high) / 2)

    of_workspace = {table.name for table in read if any(other == HUB for _, other in table.references)}
    alone = [table.name for table in read if table.name not in linked]
    across = max(1, (len(columns) * (wide + gap) - gap) // (wide + 12))
    rows = -(-len(alone) // across)
    width = 20 + len(columns) * (wide + gap) - gap
    height = 10 + tall + 46 + rows * step
    for number, name in enumerate(alone):
        at[name] = (10 + number % across * (wide + 12), 10 + tall + 42 + number // across * step)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height:.0f}" font-family="sans-serif" font-size="12">',
           f'<rect width="{width}" height="{height:.0f}" fill="#fff"/>']
    for name in sorted(linked):
        for other in sorted(edges[name]):
            x, y = at[name][0], at[name][1] + high / 2
            to_x, to_y = at[other][0] + wide, at[other][1] + high / 2
            middle = (x + to_x) / 2
            out.append(f'<path d="M{x} {y:.1f} C{middle} {y:.1f} {middle} {to_y:.1f} {to_x} {to_y:.1f}" fill="none" '
                       f'stroke="#7a8ba3"><title>{name} refers to {other}</title></path>')
    out.append(f'<text x="10" y="{10 + tall + 28}" fill="#445">No reference to another table but to the workspace:</text>')
    for name, (x, y) in sorted(at.items()):
        fill = "#e8f0fe" if name in of_workspace else "#fdf1dc"
        out.append(f'<rect x="{x}" y="{y:.1f}" width="{wide}" height="{high}" rx="4" fill="{fill}" stroke="#5b6b82"/>'
                   f'<text x="{x + 8}" y="{y + 16:.1f}" fill="#122">{html.escape(name)}</text>')
    return "\n".join([*out, "</svg>\n"])


def page(read: list[Table]) -> str:
    out = ["# Database schema", "",
           "Generated from the migrations as SQLite applies them. PostgreSQL has the same tables and columns (a test compares "
           "them); what is `BLOB` here is `UUID` or `BYTEA` there, and times, which are `TEXT` here, are `TIMESTAMPTZ`.", "",
           f"{len(read)} tables. Blue ones belong to a workspace and are deleted with it. A line leads from a table to one that "
           "it refers to.", "",
           "![Tables and their references](database.svg)", ""]
    for table in read:
        out += [f"## {table.name}", ""]
        if table.about:
            out += [table.about, ""]
        out += ["| column | type | |", "|---|---|---|"]
        for name, kind, required, key in table.columns:
            marks = ", ".join(mark for mark, holds in (("key", key), ("may be null", not required and not key)) if holds)
            out.append(f"| `{name}` | {kind} | {marks} |")
        out.append("")
        for columns, other in sorted(table.references, key=lambda reference: reference[1]):
            out.append(f"- {', '.join(f'`{column}`' for column in columns)} refers to [{other}](#{other})")
        if table.references:
            out.append("")
        if table.indexes:
            out += ["```sql", *(re.sub(r"\s+", " ", index) + ";" for index in table.indexes), "```", ""]
    return "\n".join(out)
