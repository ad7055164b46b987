"""Raw mails, as bad as they come."""

from __future__ import annotations

import base64
import struct
from email.message import EmailMessage
from email.mime.application import MIMEApplication
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

HEAD = "From: Ana <ana@blog.example>\nTo: help@music.example\nSubject: A question\nMessage-ID: <one@blog.example>\n"


def mail(body: str | bytes = "Hello", head: str = HEAD, **headers: str) -> bytes:
    """A mail by its lines; headers by keywords, their underscores hyphens, come on top ("" takes one out)."""
    lines = [line for line in head.splitlines() if line.partition(":")[0].replace("-", "_").lower() not in headers_of(headers)]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items() if value]
    body = body if isinstance(body, bytes) else body.encode()
    return "\n".join(lines).encode("utf-8", "surrogateescape") + b"\n\n" + body


def headers_of(headers: dict[str, str]) -> set[str]:
    return {name.lower() for name in headers}


def encoded(text: str, charset: str, transfer: str = "8bit") -> bytes:
    body = text.encode(charset)
    if transfer == "base64":
        body = base64.encodebytes(body)
    return mail(body, Content_Type=f"text/plain; charset={charset}", Content_Transfer_Encoding=transfer, MIME_Version="1.0")


def with_file(name: str, content: bytes, kind: str = "application/octet-stream", **headers: str) -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "ana@blog.example", "help@music.example", "A file"
    message["Message-ID"] = "<file@blog.example>"
    message.set_content("See the file.")
    main, _slash, sub = kind.partition("/")
    message.add_attachment(content, maintype=main, subtype=sub, filename=name)
    for key, value in headers.items():
        message[key.replace("_", "-")] = value
    return message.as_bytes()


def page(html: str, text: str = "") -> bytes:
    message = MIMEMultipart("alternative")
    message["From"], message["Subject"], message["Message-ID"] = "ana@blog.example", "A page", "<page@blog.example>"
    if text:
        message.attach(MIMEText(text))
    message.attach(MIMEText(html, "html"))
    return message.as_bytes()


def bounce(recipient: str = "gone@blog.example", message_id: str = "our@music.example", action: str = "failed") -> bytes:
    """As RFC 3464's first example."""
    return mail(
        f"""--B
Content-Type: text/plain

Your mail could not be delivered.
--B
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.blog.example

Final-Recipient: rfc822; {recipient}
Action: {action}
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 User unknown

--B
Content-Type: text/rfc822-headers

Message-ID: <{message_id}>
Subject: Our answer
--B--
""",
        From="MAILER-DAEMON@mx.blog.example",
        Return_Path="<>",
        Auto_Submitted="auto-replied",
        MIME_Version="1.0",
        Content_Type='multipart/report; report-type=delivery-status; boundary="B"',
    )


def tnef(body: bytes = b"Words from Outlook", name: bytes = b"numbers.txt", content: bytes = b"1;2;3") -> bytes:
    """A winmail.dat with a body and one file (MS-OXTNEF, 2.1)."""

    def attribute(level: int, kind: int, data: bytes) -> bytes:
        return struct.pack("<BII", level, kind, len(data)) + data + struct.pack("<H", sum(data) % 65536)

    return (
        struct.pack("<IH", 0x223E9F78, 1)
        + attribute(1, 0x00089006, struct.pack("<I", 0x00010000))
        + attribute(1, 0x0002800C, body + b"\x00")
        + attribute(2, 0x00069002, struct.pack("<HIHHI", 1, 0, 0, 0, 0))
        + attribute(2, 0x00018010, name + b"\x00")
        + attribute(2, 0x0006800F, content)
    )


def outlook() -> bytes:
    message = MIMEMultipart()
    message["From"], message["Subject"], message["Message-ID"] = "ana@blog.example", "From Outlook", "<tnef@blog.example>"
    part = MIMEApplication(tnef(), "ms-tnef")
    part.add_header("Content-Disposition", "attachment", filename="winmail.dat")
    message.attach(part)
    return message.as_bytes()
