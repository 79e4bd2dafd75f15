"""A DNS server on loopback with the records of a test."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Thread

import dns.flags
import dns.message
import dns.rcode
import dns.resolver
import dns.rrset

# The records, in the format of a zone file, by name and type.
Zone = Mapping[tuple[str, str], list[str]]


def reply(query: bytes, zone: Zone) -> bytes:
    """Answer a query. A name without records at or below it does not exist (RFC 8020)."""
    request = dns.message.from_wire(query)
    answer = dns.message.make_response(request)
    answer.flags |= dns.flags.RA
    name = request.question[0].name.to_text().rstrip(".")
    kind = request.question[0].rdtype.name
    if records := zone.get((name, kind)):
        answer.answer.append(dns.rrset.from_text(f"{name}.", 60, "IN", kind, *records))
    elif not any(zone_name == name or zone_name.endswith(f".{name}") for zone_name, _ in zone):
        answer.set_rcode(dns.rcode.NXDOMAIN)
    return answer.to_wire()


@contextmanager
def dns_server(zone: Zone, *, silent: bool = False) -> Iterator[dns.resolver.Resolver]:
    """Run the server until the block is left.

    Args:
        zone: the records.
        silent: never answer, like a network without a connection.

    Yields:
        A resolver that asks the server.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(0.05)
        ended = False

        def serve() -> None:
            while not ended:
                try:
                    query, sender = server.recvfrom(4096)
                except TimeoutError:
                    continue
                if not silent:
                    server.sendto(reply(query, zone), sender)

        thread = Thread(target=serve)
        thread.start()
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = ["127.0.0.1"], server.getsockname()[1]
        try:
            yield resolver
        finally:
            ended = True
            thread.join()
