"""T18: addresses inside, in every notation, are refused when saved or when the name is resolved; public ones pass."""

from __future__ import annotations

import asyncio
import socket
from ipaddress import ip_address

import pytest

from config.webhooks import guard, sending
from config.webhooks.sending import Message

REFUSED_URLS = [
    "http://shop.example/hook",
    "ftp://shop.example/",
    "file:///etc/passwd",
    "https://",
    "https:///hook",
    "https://user:secret@shop.example/",
    "https://shop.example:22/",
    "https://shop.example:99999/",
    "https://shop.example/#part",
    "https://shop.example/a b",
    "https://127.0.0.1/",
    "https://127.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.1/",
    "https://017700000001/",
    "https://0.0.0.0/",
    "https://10.0.0.5/",
    "https://172.16.3.4/",
    "https://192.168.1.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://100.64.0.1/",
    "https://192.0.0.192/",
    "https://224.0.0.1/",
    "https://255.255.255.255/",
    "https://[::1]/",
    "https://[::]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:a9fe:a9fe]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[64:ff9b:1::a9fe:a9fe]/",
    "https://[2002:7f00:1::]/",
    "https://[2002:a9fe:a9fe::]/",
    "https://[fd00::1]/",
    "https://[fe80::1]/",
    "https://[ff02::1]/",
    "https://[::127.0.0.1]/",
    "https://localhost/",
    "https://localhost./",
    "https://db.internal/",
    "https://printer.local/",
]


@pytest.mark.parametrize("url", REFUSED_URLS)
def test_an_inner_or_odd_address_cannot_be_a_target(url):
    with pytest.raises(guard.NotAllowed):
        guard.check_url(url, allow_http=False)
        guard.check_host_literal(url, [])


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example/hook",
        "https://shop.example:8443/a?b=c",
        "https://93.184.216.34/",
        "https://[2606:4700::1111]/",
    ],
)
def test_a_public_address_can(url):
    guard.check_url(url, allow_http=False)
    guard.check_host_literal(url, [])


@pytest.mark.parametrize(
    ("address", "networks", "expected"),
    [
        ("10.1.2.3", ["10.0.0.0/8"], True),
        ("10.1.2.3", ["10.2.0.0/16"], False),
        ("::ffff:10.1.2.3", ["10.0.0.0/8"], True),
        ("fd00::5", ["fd00::/8"], True),
        ("8.8.8.8", [], True),
        ("198.18.0.1", [], False),
    ],
)
def test_networks_of_the_operator_are_allowed(address, networks, expected):
    assert guard.allowed(ip_address(address), networks) is expected


def test_one_inner_address_among_public_ones_refuses_the_name():
    with pytest.raises(guard.NotAllowed):
        guard.check_all(["8.8.8.8", "127.0.0.1"], [])


class Sink:
    """A server that counts connections."""

    def __init__(self) -> None:
        self.connections = 0
        self.port = 0

    async def __aenter__(self) -> Sink:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        await writer.drain()
        writer.close()


def _send(url: str, networks: list[str], port: int) -> sending.Answer:
    async def run() -> sending.Answer:
        pool = sending.make_pool(networks, _context())
        headers = {"Host": sending.host_of(url), "Content-Length": "2"}
        answer = await sending.send(pool, Message(url, headers, b"{}"), allow_http=True, networks=networks)
        await pool.aclose()
        return answer

    return asyncio.run(run())


def _context():
    import ssl

    return ssl.create_default_context()


def test_a_name_that_resolves_inside_is_never_connected_to(monkeypatch):
    answers = iter([["93.184.216.34"], ["127.0.0.1"]])

    async def rebinding(self, host, port, **kwargs):
        return [(socket.AF_INET, 1, 6, "", (address, port)) for address in next(answers)]

    async def run() -> tuple[int, sending.Answer]:
        async with Sink() as sink:
            monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", rebinding)
            next(answers)  # what the check at saving time was told
            pool = sending.make_pool([], _context())
            answer = await sending.send(
                pool, Message(f"http://rebind.example:80/?{sink.port}", {"Host": "rebind.example"}, b""),
                allow_http=True, networks=[],
            )  # fmt: skip
            monkeypatch.undo()
            await pool.aclose()
            return sink.connections, answer

    connections, answer = asyncio.run(run())
    assert connections == 0
    assert (answer.status, answer.error) == (None, "target the host is not on the public internet")


def test_a_listed_network_is_reached_on_any_port_and_an_unlisted_one_is_not():
    async def run(networks: list[str]) -> tuple[int, sending.Answer]:
        async with Sink() as sink:
            pool = sending.make_pool(networks, _context())
            url = f"http://127.0.0.1:{sink.port}/hook"
            headers = {"Host": sending.host_of(url), "Content-Length": "2"}
            answer = await sending.send(pool, Message(url, headers, b"{}"), allow_http=True, networks=networks)
            await pool.aclose()
            return sink.connections, answer

    assert asyncio.run(run(["127.0.0.0/8"]))[0] == 1
    connections, answer = asyncio.run(run(["10.0.0.0/8"]))
    assert (connections, answer.status) == (0, None)
