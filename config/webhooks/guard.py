"""Which addresses a webhook may reach: public ones, and those the operator allows. Never our own network.

The name is resolved here, at the moment of connecting, every address it has must be allowed, and the connection goes
to one of them: a name that answers differently the next time gains nothing. Source: reliability, webhooks.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final
from urllib.parse import urlsplit

Address = IPv4Address | IPv6Address

PORTS: Final = {"https": (443, 8443), "http": (80,)}
_NAT64: Final = (ip_network("64:ff9b::/96"), ip_network("64:ff9b:1::/48"))
_RESERVED: Final = tuple(
    ip_network(text) for text in ("192.0.0.0/24", "100.64.0.0/10", "198.18.0.0/15", "240.0.0.0/4", "fec0::/10")
)


class NotAllowed(Exception):
    """The target must not be reached; the message says why, for whoever set it up."""


def check_url(url: str, *, allow_http: bool, any_port: bool = False) -> None:
    """Raise NotAllowed for an address that can never be a target: scheme, credentials, port, a private address."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise NotAllowed("is not an address") from None
    schemes = ("https", "http") if allow_http else ("https",)
    if parts.scheme not in schemes:
        raise NotAllowed(f"should begin with {' or '.join(f'{scheme}://' for scheme in schemes)}")
    if not parts.hostname or any(character.isspace() or not character.isprintable() for character in url):
        raise NotAllowed("should name a host")
    try:
        parts.hostname.encode("idna")
    except UnicodeError:
        raise NotAllowed("should name a host") from None
    if parts.username is not None or parts.password is not None:
        raise NotAllowed("must not hold a user name or password")
    if parts.fragment:
        raise NotAllowed("must not hold a fragment")
    if not any_port and port is not None and port not in PORTS[parts.scheme]:
        raise NotAllowed(f"may name only the ports {', '.join(map(str, PORTS[parts.scheme]))}")


def allowed(address: Address, networks: Sequence[str]) -> bool:
    """Whether the address is public, or in one of the operator's networks."""
    inner = _unwrapped(address)
    listed = [ip_network(text, strict=False) for text in networks]
    if any(inner.version == network.version and inner in network for network in listed):
        return True
    reserved = any(inner.version == network.version and inner in network for network in _RESERVED)
    return inner.is_global and not inner.is_multicast and not reserved


def check_all(addresses: Sequence[str], networks: Sequence[str]) -> list[str]:
    """The addresses a name resolved to, without zones. Raises NotAllowed unless every one is allowed."""
    if not addresses:
        raise NotAllowed("the host has no address")
    for text in addresses:
        if not allowed(ip_address(text.partition("%")[0]), networks):
            raise NotAllowed("the host is not on the public internet")
    return list(addresses)


def _unwrapped(address: Address) -> Address:
    """The IPv4 address inside a mapped, 6to4, Teredo or NAT64 one."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if any(address in network for network in _NAT64):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    if int(address) >> 32 == 0 and int(address) > 1:  # ::a.b.c.d, the former "compatible" form
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def check_host_literal(url: str, networks: Sequence[str]) -> None:
    """Raise NotAllowed where the host is written as an address that is not allowed, in any notation, or is local."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    try:
        literal: Address | None = ip_address(host.partition("%")[0])
    except ValueError:
        literal = _old_notation(host)
    if literal is not None:
        check_all([str(literal)], networks)
    elif not networks and (host == "localhost" or host.endswith((".localhost", ".local", ".internal"))):
        raise NotAllowed("the host is not on the public internet")


def _old_notation(host: str) -> IPv4Address | None:
    """`2130706433`, `0x7f.1`, `017700000001`: what resolvers of old take for addresses."""
    parts = host.split(".")
    if not 1 <= len(parts) <= 4:
        return None
    try:
        numbers = [_number(part) for part in parts]
    except ValueError:
        return None
    *heads, last = numbers
    if any(number > 255 for number in heads) or last >= 256 ** (5 - len(parts)):
        return None
    value = last
    for place, number in enumerate(heads):
        value += number << (8 * (3 - place))
    return IPv4Address(value)


def _number(text: str) -> int:
    if text.lower().startswith("0x"):
        return int(text[2:] or "0", 16)
    if not (text.isascii() and text.isdigit()):
        raise ValueError(text)
    return int(text, 8) if text.startswith("0") and len(text) > 1 else int(text)


def are_listed(addresses: Sequence[str], networks: Sequence[str]) -> bool:
    """Whether all addresses are in networks that the operator listed: there any port will do."""
    listed = [ip_network(text, strict=False) for text in networks]
    inner = [_unwrapped(ip_address(text.partition("%")[0])) for text in addresses]
    return all(any(one.version == net.version and one in net for net in listed) for one in inner)
