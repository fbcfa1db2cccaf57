"""Who is calling, by address. A proxy is believed only where it is named in TRUSTED_PROXIES."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


@functools.lru_cache(maxsize=16)
def networks(names: tuple[str, ...]) -> tuple[Network, ...]:
    """Parsed once; a malformed name raises ValueError at the first request."""
    return tuple(ip_network(name, strict=False) for name in names)


def is_in(address: Address | None, names: Iterable[str]) -> bool:
    """Whether the address lies in one of the networks."""
    return address is not None and any(address in network for network in networks(tuple(names)))


def client_address(request: HttpRequest) -> Address | None:
    """The first hop from the right that is no proxy of ours; without trusted proxies the socket's own address."""
    hops = [request.META.get("REMOTE_ADDR", "")]
    if settings.TRUSTED_PROXIES:
        hops = [*request.META.get("HTTP_X_FORWARDED_FOR", "").split(","), *hops]
    address = None
    for hop in reversed(hops):
        address = _parse(hop)
        if not is_in(address, settings.TRUSTED_PROXIES):
            return address
    return address


def _parse(text: str) -> Address | None:
    try:
        address = ip_address(text.strip())
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
