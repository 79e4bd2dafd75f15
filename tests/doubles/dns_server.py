"""A name server on loopback that knows what a test tells it."""

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

# What is known: by name and kind, the records as a zone file has them.
Zone = Mapping[tuple[str, str], list[str]]


def reply(query: bytes, zone: Zone) -> bytes:
    """Answer one query: names without records below them do not exist (RFC 8020)."""
    asked = dns.message.from_wire(query)
    answer = dns.message.make_response(asked)
    answer.flags |= dns.flags.RA
    name = asked.question[0].name.to_text().rstrip(".")
    kind = asked.question[0].rdtype.name
    if records := zone.get((name, kind)):
        answer.answer.append(dns.rrset.from_text(f"{name}.", 60, "IN", kind, *records))
    elif not any(known == name or known.endswith(f".{name}") for known, _ in zone):
        answer.set_rcode(dns.rcode.NXDOMAIN)
    return answer.to_wire()


@contextmanager
def dns_server(zone: Zone, *, silent: bool = False) -> Iterator[dns.resolver.Resolver]:
    """Answer while it is needed.

    Args:
        zone: what is known.
        silent: take queries and never answer, as a network without a way out.

    Yields:
        a resolver that asks it.
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
