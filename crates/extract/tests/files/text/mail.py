"""Makes the mails with Python's email package."""

from email.charset import QP, Charset
from email.headerregistry import Address
from email.message import EmailMessage
from email.mime.text import MIMEText
from email.policy import SMTP
from pathlib import Path

BODY = """Здравствуйте!

Заказ № 1024 отправим завтра, доставка бесплатна при сумме от 5 000 рублей и выше, срок хранения в пункте выдачи — 7 дней.
Возврат = 30 дней.

С уважением,
Мария
"""
HTML = """<html><body><p>Dear customer,</p><p>your order <b>1024</b> leaves <a href="https://shop.example/track">tomorrow</a>.</p>
<table><tr><th>Item</th><th>Price</th></tr><tr><td>Lamp</td><td>19.90 EUR</td></tr></table></body></html>"""


def mail(subject: str) -> EmailMessage:
    """A mail without a body."""
    found = EmailMessage(policy=SMTP)
    found["Subject"] = subject
    found["From"] = Address("Мария Смирнова", "maria", "shop.example")
    found["To"] = Address("Jo", "jo", "mail.example")
    found["Date"] = "Mon, 02 Mar 2026 10:15:00 +0300"
    found["Message-ID"] = "<1@shop.example>"
    return found


def save(name: str, message) -> None:
    """Writes a mail beside this file."""
    Path(__file__).with_name(name).write_bytes(message.as_bytes())


koi = Charset("koi8-r")
koi.body_encoding = QP
russian = MIMEText(BODY.replace("—", "-").replace("№", "N"), "plain", koi)
outer = mail("Re: заказ 1024 и сроки его доставки по области, включая праздничные дни")
for field, value in outer.items():
    if field not in russian:
        russian[field] = value
save("mail.koi8-r.eml", russian)

both = mail("Your order 1024")
both.set_content("Dear customer,\n\nyour order 1024 leaves tomorrow.\nThe lamp costs 19.90 EUR.\n")
both.add_alternative(HTML, subtype="html")
both.add_attachment(b"%PDF-1.4 no text of the mail", maintype="application", subtype="pdf", filename="счёт 1024.pdf")
save("mail.both.eml", both)

page = mail("Your order 1024")
page.set_content(HTML, subtype="html", cte="quoted-printable")
forward = mail("Fwd: your order")
forward.set_content("See below.\n")
forward.add_attachment(page)
save("mail.forward.eml", forward)
save("mail.html.eml", page)
