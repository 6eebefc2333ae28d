"""The page of settings: names and defaults as the program tells them, words as its commented defaults have them."""

from __future__ import annotations

import os
import pathlib
import re
import subprocess
import tempfile


def told(program: pathlib.Path) -> dict[str, str]:
    """Every setting that `replyx config` knows, with its default."""
    with tempfile.TemporaryDirectory() as folder:
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        said = subprocess.run([program.resolve(), "config"], cwd=folder, env=kept, capture_output=True, text=True, timeout=60)
    if said.returncode != 0:
        raise SystemExit(f"`replyx config` failed: {said.stderr[-400:]}")
    found = {}
    for line in said.stdout.splitlines():
        name, value, _source = re.fullmatch(r"(\S+)\s+(.*?)\s{2,}(\S.*)", line.rstrip()).groups()
        found[name] = value
    return found


def words(root: pathlib.Path) -> dict[str, tuple[str, bool]]:
    """What `default.toml` says above each setting, and whether it is a secret. Settings below one comment share it."""
    found: dict[str, tuple[str, bool]] = {}
    comment: list[str] = []
    after_setting = False
    for line in (root / "crates/server/src/config/default.toml").read_text().splitlines():
        setting = re.match(r"(?:# )?([a-z][a-z0-9_]*) = ", line)
        if setting:
            text = " ".join(comment)
            found[setting[1].upper()] = (text.replace("(secret) ", ""), text.startswith("(secret)"))
            after_setting = True
        elif line.startswith("# "):
            if after_setting:
                comment = []
            comment.append(line.removeprefix("# "))
            after_setting = False
        elif not line.strip():
            comment = []
    return found


def page(root: pathlib.Path, program: pathlib.Path, faults: list[str]) -> str:
    defaults = told(program)
    explained = words(root)
    for name in sorted(set(defaults) ^ set(explained)):
        where = "default.toml lacks it" if name in defaults else "the program does not know it"
        faults.append(f"setting {name}: {where}")

    out = ["# Settings", "",
           "Generated from what `replyx config` knows: every setting with its default. [Configuration](../configuration.md) says "
           "where settings come from and which belong together.", "",
           f"{len(defaults)} settings. A secret may be read from a file: `NAME_FILE` is its path.", ""]
    for name, value in sorted(defaults.items()):
        text, secret = explained.get(name, ("", False))
        if not text:
            faults.append(f"setting {name}: default.toml does not say what it is")
        default = "not set" if value == "(unset)" else f"`{value}`"
        out += [f"## {name}", "", text, "", f"Default: {default}.{' A secret.' if secret else ''}", ""]
    return "\n".join(out)
