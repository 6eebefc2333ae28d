#!/usr/bin/env python3
"""Makes the PDF documents of the demo from the Markdown beside this script: needs reportlab and fonts-dejavu-core."""

import pathlib
import re

from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Paragraph, SimpleDocTemplate

HERE = pathlib.Path(__file__).parent
FONTS = pathlib.Path("/usr/share/fonts/truetype/dejavu")

pdfmetrics.registerFont(TTFont("Text", FONTS / "DejaVuSans.ttf"))
pdfmetrics.registerFont(TTFont("Bold", FONTS / "DejaVuSans-Bold.ttf"))

STYLES = {
    "# ": ParagraphStyle("title", fontName="Bold", fontSize=18, leading=24, spaceAfter=14),
    "## ": ParagraphStyle("heading", fontName="Bold", fontSize=12, leading=17, spaceBefore=10, spaceAfter=8, keepWithNext=1),
    "": ParagraphStyle("text", fontName="Text", fontSize=10, leading=14, spaceAfter=8),
}


def make(source: pathlib.Path) -> None:
    blocks = re.split(r"\n\s*\n", source.read_text(encoding="utf-8").strip())
    story = []
    for block in blocks:
        prefix = next(p for p in STYLES if block.startswith(p))
        story.append(Paragraph(block.removeprefix(prefix), STYLES[prefix]))
    target = HERE.parent / "documents" / f"{source.stem}.pdf"
    title = blocks[0].removeprefix("# ")
    SimpleDocTemplate(
        str(target),
        pagesize=A4,
        title=title,
        author="Lanterna",
        lang=source.stem.rpartition(".")[2],
        invariant=1,
        leftMargin=25 * mm,
        rightMargin=25 * mm,
        topMargin=22 * mm,
        bottomMargin=22 * mm,
    ).build(story)
    print(f"{target.name}: {target.stat().st_size} bytes")


for path in sorted(HERE.glob("*.md")):
    make(path)
