"""Builds the documentation site with mdBook and checks it: `make docs`.

    python tools/book PROGRAM MDBOOK

The pages are those of docs/ and of the root of the repository, and generated ones: API, database schema, settings, files of
deploy/. Links that lead out of docs/ are turned to the page where the same is in the site. Faults: a page that the table of
contents lacks, a link or anchor that leads nowhere, a sentence of docs/troubleshooting.md that no source file has, a warning
of mdBook.
"""

from __future__ import annotations

import html.parser
import os
import pathlib
import re
import shutil
import subprocess
import sys
import urllib.parse

import api
import schema
import settings

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
OUT = ROOT / "target/book"
# Pages from outside docs/, and their names in the site.
BROUGHT = {"README.md": "introduction.md", "README.ru.md": "introduction.ru.md", "ARCHITECTURE.md": "architecture.md",
           "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
LINK = re.compile(r"(?<!\\)\]\(([^)\s]+)\)")

faults: list[str] = []


def place(path: str) -> str | None:
    """Where a file or folder of the repository is in the site."""
    if path in BROUGHT:
        return BROUGHT[path]
    if path == "docs/adr":
        return "decisions.md"
    if path == "LICENSE":
        return "license.md"
    if path == "deploy" or path.startswith("deploy/"):
        parts = path.split("/")
        return "deploy-files.md" + (f"#{parts[1]}" if len(parts) > 1 else "")
    return path.removeprefix("docs/") if path.startswith("docs/") else None


def outside_code(text: str, change) -> str:
    """Changes a text, but for its blocks and spans of code."""
    parts = re.split(r"(^```.*?^```$|`[^`\n]+`)", text, flags=re.M | re.S)
    return "".join(part if number % 2 else change(part) for number, part in enumerate(parts))


def turned(text: str, source: str) -> str:
    """The text of a file with its links as they are in the site."""
    here = pathlib.PurePosixPath(place(source)).parent

    def link(found: re.Match) -> str:
        target, _, fragment = found[1].partition("#")
        if not target or urllib.parse.urlsplit(found[1]).scheme:
            return found[0]
        path = os.path.normpath(os.path.join(os.path.dirname(source), target))
        if not (ROOT / path).exists() and not (source.startswith("docs/") and path.startswith("docs/reference/")):
            faults.append(f"{source}: the link to {target} leads nowhere")
            return found[0]
        to = place(path)
        if to is None:
            faults.append(f"{source}: {target} is not part of the site; name it as code instead of linking it")
            return found[0]
        return f"]({os.path.relpath(to, here)}{'#' + fragment if fragment else ''})"

    # The comments that tell tools/commands.py what to do are nothing for readers.
    return re.sub(r"^<!--.*?-->\n", "", outside_code(text, lambda part: LINK.sub(link, part)), flags=re.M | re.S)


def deploy_files() -> str:
    out = ["# Files of deploy/", "", "What the repository's folder `deploy` holds; [Deployment](deployment.md) says how it is used.", ""]
    for folder in sorted(path for path in (ROOT / "deploy").iterdir() if path.is_dir()):
        out += [f"## {folder.name}", ""]
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            name = file.relative_to(ROOT / "deploy")
            if file.suffix == ".json":
                out += [f"`{name}`: {file.stat().st_size // 1024} KiB of JSON, generated.", ""]
                continue
            out += [f"### {name}", "", "````text", file.read_text().rstrip(), "````", ""]
    return "\n".join(out)


def decisions(names: list[pathlib.Path]) -> str:
    titles = [(file.name, file.read_text().splitlines()[0].removeprefix("# ")) for file in names]
    return "\n".join(["# Decisions", "", "Why things are as they are, in the order of the decisions.", "",
                      *(f"- [{title}](adr/{name})" for name, title in titles), ""])


def assemble(source: pathlib.Path, program: pathlib.Path) -> None:
    shutil.rmtree(source, ignore_errors=True)
    pages: dict[str, str] = {}
    for file in [*sorted((ROOT / "docs").rglob("*.md")), *(ROOT / name for name in BROUGHT)]:
        path = file.relative_to(ROOT).as_posix()
        if path != "docs/SUMMARY.md":
            pages[place(path)] = turned(file.read_text(), path)
    pages["license.md"] = "# License\n\n```text\n" + (ROOT / "LICENSE").read_text() + "```\n"
    pages["deploy-files.md"] = deploy_files()
    adr = sorted((ROOT / "docs/adr").glob("*.md"))
    pages["decisions.md"] = decisions(adr)

    read = schema.tables(ROOT)
    pages["reference/database.md"] = schema.page(read)
    pages["reference/settings.md"] = settings.page(ROOT, program, faults)
    reference = api.Reference(ROOT).pages()
    for name, (_, text) in reference.items():
        pages[f"reference/api/{name}.md"] = text

    contents = (ROOT / "docs/SUMMARY.md").read_text()
    contents = contents.replace("<!-- api -->", "\n".join(
        f"  - [{title}](reference/api/{name}.md)" for name, (title, _) in reference.items() if name != "overview"))
    contents = contents.replace("<!-- adr -->", "\n".join(
        f"  - [{file.read_text().splitlines()[0].removeprefix('# ')}](adr/{file.name})" for file in adr))
    listed = set(LINK.findall(contents))
    faults.extend(f"docs/SUMMARY.md does not list {name}" for name in sorted(set(pages) - listed))
    faults.extend(f"docs/SUMMARY.md lists {name}, which does not exist" for name in sorted(listed - set(pages)))

    for name, text in {**pages, "SUMMARY.md": contents}.items():
        file = source / "src" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (source / "src/reference/database.svg").write_text(schema.diagram(read))
    shutil.copy(ROOT / "docs/book.toml", source)


class Page(html.parser.HTMLParser):
    """What a page links to, and what in it can be linked to."""

    def __init__(self, text: str):
        super().__init__()
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        self.links += [named[name] for name in ("href", "src") if named.get(name)]
        if named.get("id"):
            self.ids.add(named["id"])


def dead_links() -> int:
    """Counts the links within the site, and notes those that lead nowhere."""
    pages = {path.relative_to(OUT).as_posix(): Page(path.read_text()) for path in OUT.rglob("*.html")}
    number = 0
    for name, page in sorted(pages.items()):
        if name in ("404.html", "print.html", "toc.html"):
            continue
        for link in dict.fromkeys(page.links):
            parts = urllib.parse.urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            number += 1
            path = urllib.parse.unquote(parts.path)
            to = os.path.normpath(os.path.join(os.path.dirname(name), path)) if path else name
            if not (OUT / to).exists():
                faults.append(f"{name}: {link} leads nowhere")
            elif parts.fragment and to in pages and urllib.parse.unquote(parts.fragment) not in pages[to].ids:
                faults.append(f"{name}: {link} names no heading of {to}")
    return number


def unsaid_sentences() -> int:
    """Every heading of the page of troubles is what the program says; `...` stands for what differs."""
    sources = [re.sub(r"\\\n\s*", "", file.read_text()) for file in sorted((ROOT / "crates").glob("*/src/**/*.rs"))]
    sources += [file.read_text() for file in sorted((ROOT / "scripts").iterdir())]
    sentences = re.findall(r"^### (.+)$", (ROOT / "docs/troubleshooting.md").read_text(), re.M)
    for sentence in sentences:
        parts = [re.escape(part) for part in sentence.split("...")]
        pattern = re.compile(r"[^\n]{0,200}?".join(parts))
        if not any(pattern.search(text) for text in sources):
            faults.append(f"docs/troubleshooting.md: nothing says `{sentence}`")
    if not sentences:
        faults.append("docs/troubleshooting.md has no sentence of the program")
    return len(sentences)


def main() -> None:
    program, mdbook = (pathlib.Path(argument) for argument in sys.argv[1:])
    source = ROOT / "target/book-source"
    assemble(source, program)
    sentences = unsaid_sentences()

    shutil.rmtree(OUT, ignore_errors=True)
    built = subprocess.run([mdbook.resolve(), "build", source, "--dest-dir", OUT], capture_output=True, text=True, timeout=300)
    said = built.stdout + built.stderr
    if built.returncode != 0:
        faults.append(f"mdbook failed: {said[-2000:]}")
    faults.extend(line for line in said.splitlines() if re.search(r"\b(WARN|ERROR)\b", line))
    links = dead_links()

    for fault in faults:
        print(fault, file=sys.stderr)
    if faults:
        sys.exit(f"{len(faults)} faults in the documentation")
    pages = sum(1 for _ in (source / "src").rglob("*.md")) - 1
    print(f"{pages} pages, {links} links, {sentences} sentences of the program; open target/book/index.html")


main()
