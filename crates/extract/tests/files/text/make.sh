#!/bin/sh
# Makes the fixtures of this folder and of ../pdf from the sources beside it and in ../office. Needs pandoc,
# LibreOffice (soffice), Chromium and python3.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
office() { # format, file, output, further options
    soffice --headless ${4:+"$4"} --convert-to "$1" --outdir "$work" "$2" >/dev/null 2>&1
    found="$work/$(basename "${2%.*}").${1%%:*}"
    mv "$found" "$3"
}
for language in en ru; do
    pandoc -s "../office/handbook.$language.md" -o "pandoc.$language.html"
    pandoc -s "../office/handbook.$language.md" -o "pandoc.$language.rtf"
    office rtf "../office/libreoffice.$language.docx" "libreoffice.$language.rtf"
    office html "../office/libreoffice.$language.odt" "libreoffice.$language.html"
    office pdf "../office/libreoffice.$language.docx" "../pdf/libreoffice.$language.pdf"
    chromium --headless --no-sandbox --disable-gpu --no-pdf-header-footer --print-to-pdf="../pdf/chromium.$language.pdf" \
        "file://$PWD/page.$language.html" >/dev/null 2>&1
done
office rtf page.en.html page.en.rtf "--infilter=HTML (StarWriter)"
office csv ../office/libreoffice.book.xlsx libreoffice.book.csv
python3 mail.py
