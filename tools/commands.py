"""Runs the commands of the documentation: `make docs-check`.

    commands.py PROGRAM

Every block that is fenced as `sh` is run, in the order of the page, in a temporary folder and against a program with a data
folder of its own and a simulated Telegram. A command that fails, or a request that is refused, is a fault. A comment above a
block says otherwise: `<!-- not run: WHY -->`, or `<!-- before: COMMANDS -->` for what a reader would have at that point.
"""

from __future__ import annotations

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading

import api_check

ROOT = pathlib.Path(__file__).resolve().parent.parent
RUN_SECONDS = 300
# What a reader replaces, and with what.
REPLACED = {"123456:AAF...": "123456:" + "A" * 35}
# Pages that go on where the one before ended share a program and a shell.
SESSIONS = [
    ["docs/getting-started.md", "docs/guide.md", "docs/evaluation.md"],
    ["docs/api.md"],
    ["docs/operations.md", "docs/workers.md"],
    ["docs/deployment.md", "docs/mail.md", "docs/security.md", "docs/runbooks.md", "docs/concepts.md", "docs/troubleshooting.md",
     "docs/configuration.md", "docs/benchmarks.md", "README.md", "CONTRIBUTING.md"],
]
BLOCK = re.compile(r"((?:^<!--(?:(?!-->).)*-->\n)*)^( *)```sh\n(.*?)^ *```$", re.M | re.S)
DIRECTIVE = re.compile(r"^<!-- (not run|before): ?(.*?)-->", re.M | re.S)
PRELUDE = r"""
set -Eeuo pipefail
shopt -s inherit_errexit
fault() { echo "$AT: $*" | tr '\n' ' ' | sed -E 's/Bearer [^ ]+/Bearer .../' | cut -c 1-500 >>"$FAULTS"; echo >>"$FAULTS"; }
trap 'fault "failed: $BASH_COMMAND"' ERR
replyx() { "$PROGRAM" "$@"; }
curl() {
    local answer status=0
    answer=$(command curl --silent --show-error --fail-with-body --max-time 60 "$@") || status=$?
    printf '%s\n' "$answer"
    if ((status)); then fault "curl ended with $status: $answer (${*: -4})"; fi
}
# A line of JSON in, one field of it out, at any depth.
json() { python3 -c 'import json,sys; value=json.load(sys.stdin)
for step in sys.argv[1].split("."): value=value[int(step) if step.isdigit() else step]
print(value)' "$1"; }
# until COMMAND: repeats it until it succeeds, for half a minute.
until_true() { local n; for n in {1..150}; do if "$@" >until.out 2>&1; then return; fi; sleep 0.2; done; cat until.out; return 1; }
"""


def blocks(page: str) -> list[tuple[str, str]]:
    """The commands of a page, each block with its place; those that are not run say why."""
    text = (ROOT / page).read_text()
    found = []
    for block in BLOCK.finditer(text):
        line = text.count("\n", 0, block.start(3)) + 1
        told = dict(DIRECTIVE.findall(block[1]))
        if block[1] and not told:
            sys.exit(f"{page}:{line}: the comment is neither `not run:` nor `before:`")
        if "not run" in told:
            if len(told["not run"].strip()) < 10:
                sys.exit(f"{page}:{line}: the comment does not say why the block is not run")
            continue
        indent = len(block[2])
        lines = "\n".join(row[indent:] for row in block[3].splitlines())
        found.append((f"{page}:{line}", told.get("before", "") + "\n" + lines))
    return found


def script(pages: list[str], base: str, telegram: str) -> tuple[str, int]:
    parts = [PRELUDE]
    number = 0
    for page in pages:
        for at, commands in blocks(page):
            for what, by in {**REPLACED, "https://example.org/help/": f"{telegram}/help/", "http://127.0.0.1:8000": base}.items():
                commands = commands.replace(what, by)
            parts.append(f"AT={at}\n{commands}\n")
            number += 1
    return "\n".join(parts), number


def session(program: pathlib.Path, pages: list[str], telegram: str) -> tuple[int, str]:
    """Runs the commands of some pages; returns how many blocks, and what was wrong."""
    with tempfile.TemporaryDirectory(prefix="replyx-commands.") as name:
        folder = pathlib.Path(name)
        (folder / "crates").symlink_to(ROOT / "crates")
        (folder / "deploy").symlink_to(ROOT / "deploy")
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": name,
            "DATA_DIR": f"{name}/data",
            "PORT": "0",
            "TELEGRAM_API_URL": telegram,
            "OPENAI_BASE_URL": "http://127.0.0.1:9/v1",
            "ANTHROPIC_BASE_URL": "http://127.0.0.1:9",
            "CRAWL_PRIVATE_ADDRESSES": "allow",
            "EMBEDDING_MODEL": "none",
            "BILLING": "on",
            "LOG_LEVEL": "warn",
        }
        with open(folder / "log", "wb") as log:
            running, base = api_check.start(program, environment, log)
            commands, number = script(pages, base, telegram)
            faults = folder / "faults"
            port = base.rsplit(":", 1)[1]
            try:
                ended = subprocess.run(
                    ["bash", "-c", commands], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                    timeout=RUN_SECONDS,
                    env={**environment, "PORT": port, "PROGRAM": str(program), "FAULTS": str(faults), "PID": str(running.pid)})
            finally:
                running.terminate()
                try:
                    running.wait(15)
                except subprocess.TimeoutExpired:
                    running.kill()
        said = "\n".join(list(dict.fromkeys(faults.read_text().split("\n")))[:20]) if faults.exists() else ""
        if ended.returncode and not said:
            said = f"{pages[0]}: the shell ended with {ended.returncode}\n"
        if said:
            said += (ended.stderr + ended.stdout)[-1500:] + (folder / "log").read_text(errors="replace")[-1000:]
        return number, said


def main() -> None:
    program = pathlib.Path(sys.argv[1]).resolve()
    missing = {path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").glob("*.md") if "```sh" in path.read_text()}
    missing -= {page for pages in SESSIONS for page in pages}
    if missing:
        sys.exit(f"no session of tools/commands.py has the commands of {', '.join(sorted(missing))}")

    telegram = api_check.Server(("127.0.0.1", 0), api_check.Telegram)
    threading.Thread(target=telegram.serve_forever, daemon=True).start()
    failed = False
    total = 0
    for pages in SESSIONS:
        number, said = session(program, pages, f"http://127.0.0.1:{telegram.server_port}")
        total += number
        if said:
            failed = True
            print(said, file=sys.stderr)
    if failed:
        sys.exit("commands of the documentation fail")
    print(f"{total} blocks of commands ran")


if __name__ == "__main__":
    main()
