"""Forms with a file, as browsers send them."""

from __future__ import annotations

BOUNDARY = "----edge"


def build_form(content: bytes, name: str = "people.csv", **fields: str) -> bytes:
    """Return an upload as browsers send it."""
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'
        for field, value in fields.items()
    ]
    file = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
    start = ("".join(parts) + file + "Content-Type: text/csv\r\n\r\n").encode()
    return start + content + f"\r\n--{BOUNDARY}--\r\n".encode()
