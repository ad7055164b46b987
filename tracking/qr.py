"""QR codes of addresses: SVG for every size, PNG for tools that take no SVG."""

from __future__ import annotations

import io

import segno

TYPES = {"svg": "image/svg+xml", "png": "image/png"}


def qr_code(text: str, kind: str = "svg") -> bytes:
    """The text as a QR code (ISO/IEC 18004), error correction M, with the quiet zone of four modules that scanners need.

    Black on white in every theme: inverted codes are not read by all scanners.
    """
    out = io.BytesIO()
    code = segno.make(text, error="m", micro=False)
    if kind == "svg":
        code.save(out, kind="svg", border=4, scale=8, light="#fff", nl=False)
    else:
        code.save(out, kind="png", border=4, scale=16)
    return out.getvalue()
