"""T18: addresses inside, in every notation, are refused when saved or when the name is resolved; public ones pass."""

from __future__ import annotations

import asyncio
import socket
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

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
        client = sending.Client(networks, _context())
        headers = {"Host": sending.host_of(url), "Content-Length": "2"}
        answer = await sending.send(client, Message(url, headers, b"{}"), allow_http=True)
        return answer

    return asyncio.run(run())


def _context():
    return ssl.create_default_context()


def test_a_name_that_resolves_inside_is_never_connected_to(monkeypatch):
    answers = iter([["93.184.216.34"], ["127.0.0.1"]])

    async def rebinding(self, host, port, **kwargs):
        return [(socket.AF_INET, 1, 6, "", (address, port)) for address in next(answers)]

    async def run() -> tuple[int, sending.Answer]:
        async with Sink() as sink:
            monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", rebinding)
            next(answers)  # what the check at saving time was told
            client = sending.Client([], _context())
            answer = await sending.send(
                client,
                Message(f"http://rebind.example:80/?{sink.port}", {"Host": "rebind.example"}, b""),
                allow_http=True,
            )
            monkeypatch.undo()
            return sink.connections, answer

    connections, answer = asyncio.run(run())
    assert connections == 0
    assert (answer.status, answer.error) == (None, "target the host is not on the public internet")


def test_a_listed_network_is_reached_on_any_port_and_an_unlisted_one_is_not():
    async def run(networks: list[str]) -> tuple[int, sending.Answer]:
        async with Sink() as sink:
            client = sending.Client(networks, _context())
            url = f"http://127.0.0.1:{sink.port}/hook"
            headers = {"Host": sending.host_of(url), "Content-Length": "2"}
            answer = await sending.send(client, Message(url, headers, b"{}"), allow_http=True)
            return sink.connections, answer

    assert asyncio.run(run(["127.0.0.0/8"]))[0] == 1
    connections, answer = asyncio.run(run(["10.0.0.0/8"]))
    assert (connections, answer.status) == (0, None)


def _certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A key and a self-signed certificate for the name."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    certificate, secret = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(pem))
    secret.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return certificate, secret


@pytest.mark.parametrize(
    ("host", "trusted", "status", "error"),
    [
        ("localhost", True, 200, ""),
        ("localhost", False, None, "TLS: CERTIFICATE_VERIFY_FAILED"),
        ("127.0.0.1", True, None, "TLS: CERTIFICATE_VERIFY_FAILED"),
    ],
)
def test_a_receiver_has_to_prove_its_name(tmp_path, host, trusted, status, error):
    certificate, key = _certificate(tmp_path, "localhost")
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(certificate, key)
    calling = ssl.create_default_context(cafile=str(certificate) if trusted else None)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n{}")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await writer.drain()
        writer.close()

    async def run() -> sending.Answer:
        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=serving)
        async with server:
            url = f"https://{host}:{server.sockets[0].getsockname()[1]}/hook"
            headers = {"Host": sending.host_of(url), "Content-Length": "2"}
            client = sending.Client(["127.0.0.0/8", "::1/128"], calling)
            return await sending.send(client, Message(url, headers, b"{}"), allow_http=False)

    answer = asyncio.run(run())
    assert (answer.status, answer.error) == (status, error)


def test_a_closed_door_is_told_in_the_words_of_the_system():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert _send(f"http://127.0.0.1:{port}/hook", ["127.0.0.0/8"], port).error == "Connection refused"
