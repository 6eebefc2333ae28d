#!/bin/sh
# Makes the fixtures from the sources beside it. Needs pandoc, LibreOffice (soffice) and python3.
set -eu
cd "$(dirname "$0")"
office() { # format, file, output, further options
    soffice --headless ${4:+"$4"} --convert-to "$1" --outdir "$work" "$2" >/dev/null 2>&1
    mv "$work/$(basename "${2%.*}").${1%%:*}" "$3"
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for language in en ru; do
    for format in docx odt pptx epub; do
        pandoc "handbook.$language.md" -o "pandoc.$language.$format"
    done
    # The same again, as LibreOffice writes it.
    office docx "pandoc.$language.odt" "libreoffice.$language.docx"
    office odt "pandoc.$language.docx" "libreoffice.$language.odt"
    office pptx "pandoc.$language.pptx" "libreoffice.$language.pptx"
done
pandoc slides.md -o pandoc.slides.pptx
office pptx pandoc.slides.pptx libreoffice.slides.pptx
office odt table.en.html libreoffice.table.odt "--infilter=HTML (StarWriter)"
office docx table.en.html libreoffice.table.docx "--infilter=HTML (StarWriter)"
office ods book.fods libreoffice.book.ods
office xlsx book.fods libreoffice.book.xlsx
office odt details.fodt libreoffice.details.odt
office docx details.fodt libreoffice.details.docx
python3 lock.py pandoc.en.docx locked.docx "MS Word 2007 XML"
python3 lock.py libreoffice.book.xlsx locked.xlsx "Calc MS Excel 2007 XML"
python3 lock.py pandoc.en.odt locked.odt writer8
