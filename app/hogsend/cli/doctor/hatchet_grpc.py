"""Checks that workers can connect to Hatchet's gRPC port, with or without TLS as it is set."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping

from ...config.hatchet_token import HatchetToken
from ..hatchet_api import TIMEOUT
from .check_result import CheckResult

_PART = "Hatchet gRPC"
_PLAIN_STRATEGY = "none"
_TLS_STRATEGY = "tls"
_STRATEGIES = (_PLAIN_STRATEGY, _TLS_STRATEGY, "mtls")
# An HTTP/2 client sends this first, and the server answers with a SETTINGS frame (RFC 9113 §3.4).
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
_SETTINGS_FRAME = 4


def check_grpc(environment: Mapping[str, str], token: HatchetToken) -> CheckResult:
    """Check that workers can connect.

    Args:
        environment: Hatchet's own settings.
        token: has the address, unless a setting replaces it.
    """
    address = environment.get("HATCHET_CLIENT_HOST_PORT", token.host_port)
    strategy = environment.get("HATCHET_CLIENT_TLS_STRATEGY", _TLS_STRATEGY).lower()
    if strategy not in _STRATEGIES:
        text = f"HATCHET_CLIENT_TLS_STRATEGY is {strategy}, which Hatchet's SDK does not know."
        remedy = f"Use one of {', '.join(_STRATEGIES)}, or unset it."
        return CheckResult(_PART, "failure", text, remedy)
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        text = f"{address} is not HOST:PORT."
        return CheckResult(_PART, "failure", text, "Correct HATCHET_CLIENT_HOST_PORT.")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), TIMEOUT) as connection:
            if strategy == _PLAIN_STRATEGY:
                return _check_plain(connection, address)
            if strategy == _TLS_STRATEGY:
                _connect_tls(connection, host, environment)
    except ssl.SSLCertVerificationError as error:
        text = f"The certificate of {address} is not trusted: {error.verify_message}."
        remedy = "Set HATCHET_CLIENT_TLS_ROOT_CA_FILE or HATCHET_CLIENT_TLS_SERVER_NAME."
    except (ssl.SSLError, ConnectionResetError):
        text = f"{address} does not use TLS."
        remedy = "Set HATCHET_CLIENT_TLS_STRATEGY=none if this is your own Hatchet."
    except (OSError, ValueError, OverflowError) as error:
        text = f"{address} cannot be reached: {error or type(error).__name__}."
        remedy = "Start Hatchet, or set HATCHET_CLIENT_HOST_PORT to where workers can reach it."
    else:
        return CheckResult(_PART, "ok", f"{address} answers, over {strategy.upper()}.")
    return CheckResult(_PART, "failure", text, remedy)


def _check_plain(connection: socket.socket, address: str) -> CheckResult:
    connection.sendall(_PREFACE)
    head = connection.recv(9)
    if len(head) >= 4 and head[3] == _SETTINGS_FRAME:
        return CheckResult(_PART, "ok", f"{address} answers, unencrypted.")
    text = f"{address} does not answer unencrypted gRPC."
    remedy = "Unset HATCHET_CLIENT_TLS_STRATEGY if Hatchet uses TLS, or correct the address."
    return CheckResult(_PART, "failure", text, remedy)


def _connect_tls(connection: socket.socket, host: str, environment: Mapping[str, str]) -> None:
    context = ssl.create_default_context(cafile=environment.get("HATCHET_CLIENT_TLS_ROOT_CA_FILE"))
    context.set_alpn_protocols(["h2"])
    name = environment.get("HATCHET_CLIENT_TLS_SERVER_NAME", host)
    context.wrap_socket(connection, server_hostname=name).close()
