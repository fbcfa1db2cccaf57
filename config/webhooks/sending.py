"""One attempt: a POST to the target within ten seconds in all, whatever the receiver does."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

import httpcore
from httpcore import SOCKET_OPTION

from config.webhooks import guard, streams

DEADLINE: Final = 10.0
"""Seconds from the look-up of the name to the last byte read."""
MOST_READ: Final = 64 * 1024
MOST_KEPT: Final = 1024
GONE: Final = 410


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent: the bytes that were signed, and all headers."""

    target_url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of an attempt. status: None where no answer came; error: why not, for people."""

    status: int | None
    text: str
    error: str
    milliseconds: int

    @property
    def is_success(self) -> bool:
        """Any 2xx."""
        return self.status is not None and 200 <= self.status < 300


class GuardedBackend(streams.Backend):
    """Resolves the name itself and connects only where `guard` allows; the name is kept for TLS."""

    def __init__(self, networks: list[str]) -> None:
        self._networks = networks

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = guard.check_all(await _addresses(host, port), self._networks)
        if port not in (443, 8443, 80) and not guard.are_listed(addresses, self._networks):
            raise guard.NotAllowed(f"port {port} is not allowed")
        return await super().connect_tcp(addresses[0], port)


async def _addresses(host: str, port: int) -> list[str]:
    """What the name stands for now; an address stands for itself."""
    try:
        return [str(ip_address(host))]
    except ValueError:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True, slots=True)
class Client:
    """What opens connections: each for one request, without redirects and proxies. networks: allowed inner ones."""

    networks: list[str]
    context: ssl.SSLContext


async def send(client: Client, message: Message, *, allow_http: bool) -> Answer:
    """Try once; never raises but for cancellation."""
    began = time.monotonic()
    try:
        guard.check_url(message.target_url, allow_http=allow_http, any_port=bool(client.networks))
        async with asyncio.timeout(DEADLINE):
            status, text = await _post(client, message)
        return Answer(status, text, "", _since(began))
    except TimeoutError:
        return Answer(None, "", f"no answer within {DEADLINE:.0f} seconds", _since(began))
    except guard.NotAllowed as error:
        return Answer(None, "", f"target {error}", _since(began))
    except ssl.SSLError as error:
        return Answer(None, "", f"TLS: {error.reason or 'handshake failed'}", _since(began))
    except OSError as error:
        return Answer(None, "", _why(error), _since(began))
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, ValueError) as error:
        return Answer(None, "", (str(error) or type(error).__name__)[:300], _since(began))


def _why(error: OSError) -> str:
    """In the system's words; asyncio's own name the address."""
    if error.errno is not None and error.errno > 0 and not isinstance(error, socket.gaierror):
        return os.strerror(error.errno)
    return error.strerror or type(error).__name__


async def _post(client: Client, message: Message) -> tuple[int, str]:
    headers: list[tuple[bytes, bytes]] = [
        (name.encode("ascii"), value.encode("ascii")) for name, value in message.headers.items()
    ]
    url = _url(message.target_url)
    connection = httpcore.AsyncHTTPConnection(
        url.origin, ssl_context=client.context, network_backend=GuardedBackend(client.networks)
    )
    try:
        response = await connection.handle_async_request(
            httpcore.Request("POST", url, headers=headers, content=message.body)
        )
        kept, read = b"", 0
        async for chunk in response.aiter_stream():
            kept += chunk[: MOST_KEPT - len(kept)]
            read += len(chunk)
            if read >= MOST_READ:
                break
        return response.status, kept.decode("utf-8", "replace").replace("\0", "")
    finally:
        await connection.aclose()


def host_of(url: str) -> str:
    """The Host header of a target: its name in Punycode, and its port where that is not the scheme's own."""
    parts = urlsplit(url)
    host = _host(url).decode()
    name = f"[{host}]" if ":" in host else host
    return name if parts.port in (None, 443 if parts.scheme == "https" else 80) else f"{name}:{parts.port}"


def _host(url: str) -> bytes:
    host = urlsplit(url).hostname or ""
    return host.encode() if host.isascii() else host.encode("idna")


def _url(text: str) -> httpcore.URL:
    """The target with its host in the form that goes over the wire (internationalised names in Punycode)."""
    parts = urlsplit(text)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return httpcore.URL(
        scheme=parts.scheme.encode(), host=_host(text), port=parts.port, target=_escaped(target).encode("ascii")
    )


def _escaped(target: str) -> str:
    return "".join(
        character if character.isascii() else "".join(f"%{byte:02X}" for byte in character.encode())
        for character in target
    )


def _since(began: float) -> int:
    return int((time.monotonic() - began) * 1000)
