"""A proxy of a test's Postgres that accepts any user and database.

    python postgres_proxy.py PORT ADDRESS [PASSWORD]

With a PASSWORD it refuses every connection, as a server whose volume has another password does.
"""

from __future__ import annotations

import asyncio
import struct
import sys
from urllib.parse import parse_qs, urlsplit

SSL_REQUEST = 80877103
REFUSAL = b'SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed for user "hogsend"\0\0'


def startup(user: str, database: str) -> bytes:
    """Return the first message of a connection."""
    words = f"user\0{user}\0database\0{database}\0\0".encode()
    return struct.pack("!ii", len(words) + 8, 196608) + words


async def serve(port: int, address: str, password: str) -> None:
    """Forward connections until the process ends."""
    parts = urlsplit(address)
    folder = parse_qs(parts.query)["host"][0]

    async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()
        finally:
            sink.close()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            (length,) = struct.unpack("!i", await reader.readexactly(4))
            body = await reader.readexactly(length - 4)
            if struct.unpack("!i", body[:4])[0] != SSL_REQUEST:
                break
            writer.write(b"N")
        if password:
            writer.write(b"E" + struct.pack("!i", len(REFUSAL) + 4) + REFUSAL)
            await writer.drain()
            writer.close()
            return
        inner, outer = await asyncio.open_unix_connection(f"{folder}/.s.PGSQL.5432")
        outer.write(startup(parts.username or "postgres", parts.path.strip("/")))
        await asyncio.gather(pump(reader, outer), pump(inner, writer), return_exceptions=True)

    server = await asyncio.start_server(forward, "127.0.0.1", port)
    print("open", flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), sys.argv[2], sys.argv[3] if sys.argv[3:] else ""))
