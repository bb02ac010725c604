"""Requests to addresses that users name: they reach the public internet, and allowed networks, and nothing else.

The host is resolved once, every address it has is checked, and the connection goes to a checked address: a name
that resolves differently the second time (DNS rebinding) gains nothing. Redirects are not followed, proxies of the
environment are not used, and time and size of an answer are bounded.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpcore
import httpx

from docproc.errors import Rejected, Unavailable, Usage

SECONDS = 10.0
"""Longest time of one request, from the connection to the end of the answer."""
CONNECT_SECONDS = 5.0
MOST_BYTES = 4_096
"""Of an answer's body, read at most."""
LONGEST_URL = 2_000
CLOSED = tuple(map(ipaddress.ip_network, ("192.0.0.0/24", "168.63.129.16/32")))
"""What `is_global` lets through: protocol assignments, and where Azure tells machines their secrets."""
UNICAST = ipaddress.ip_network("2000::/3")
"""The IPv6 addresses that are given out."""
EMBEDDED = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))
"""IPv6 that gateways turn into the IPv4 address in its last four bytes (NAT64)."""

_PORTS = range(1, 65_536)
_HOST = re.compile(rb"[A-Za-z0-9._:-]+")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolver = Callable[[str, int], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status and the beginning of the body."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Target:
    """A URL taken apart once, with the address to connect to."""

    url: httpx.URL
    port: int
    address: str


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host; raise OSError when it has none."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


def networks(text: str) -> tuple[Network, ...]:
    """Return the networks of a setting like `10.0.0.0/8,fd00::/8`; raise Usage when it is none."""
    try:
        return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise Usage(
            f"{text!r} is no list of networks: {error}.", hint="It takes 10.0.0.0/8,192.168.0.0/16."
        ) from None


def target(url: str, allowed: Iterable[Network], resolver: Resolver = resolve) -> Target:
    """Check a URL and return where to connect.

    Raises Rejected (code `bad-address`) when it is no http(s) URL or one of its addresses may not be reached,
    Unavailable when its host is not known.
    """
    parsed = _parsed(url)
    port = parsed.port or {"http": 80, "https": 443}[parsed.scheme]
    try:
        addresses = resolver(parsed.raw_host.decode("ascii"), port)
    except (OSError, UnicodeError) as error:
        raise Unavailable(f"The host {parsed.host} is not known: {error}.", code="unknown-host") from None
    allowed = tuple(allowed)
    for address in addresses:
        if not may_reach(address, allowed):
            raise Rejected(
                f"{parsed.host} has the address {address}, which is not a public one.",
                hint="Who runs this service may allow its network in DOCPROC_WEBHOOK_NETWORKS.",
                code="bad-address",
            )
    if not addresses:
        raise Unavailable(f"The host {parsed.host} has no address.", code="unknown-host")
    return Target(parsed, port, addresses[0])


def may_reach(address: str, allowed: Iterable[Network] = ()) -> bool:
    """Say whether an IP address is public, and none that leads to one that is not, or in an `allowed` network."""
    try:
        inner = _innermost(ipaddress.ip_address(address))
    except ValueError:
        return False
    if any(inner in network for network in allowed if network.version == inner.version):
        return True
    if inner.version == 6 and inner not in UNICAST:
        return False
    closed = inner.is_multicast or inner.is_reserved or any(inner in network for network in CLOSED)
    return inner.is_global and not closed


def post(where: Target, body: bytes, headers: Mapping[str, str], *, seconds: float = SECONDS) -> Answer:
    """Send `body` and return the answer, whatever its status; raise Unavailable when none comes in time."""
    backend = _Pinned(where.address, time.monotonic() + seconds)
    sent = [(b"Host", where.url.netloc), *((name.encode(), value.encode()) for name, value in headers.items())]
    address = httpcore.URL(
        scheme=where.url.raw_scheme, host=where.url.raw_host, port=where.port, target=where.url.raw_path
    )
    try:
        with (
            httpcore.ConnectionPool(ssl_context=_certificates(), network_backend=backend) as pool,
            pool.stream("POST", address, headers=sent, content=body) as response,
        ):
            return Answer(response.status, _beginning(response.iter_stream()))
    except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
        problem = str(error) or type(error).__name__
        raise Unavailable(f"{where.url.host} did not answer: {problem}.", code="no-answer") from None


@cache
def _certificates() -> ssl.SSLContext:
    return httpx.create_ssl_context()


def _parsed(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError):
        parsed = httpx.URL("")
    if len(url) > LONGEST_URL or parsed.scheme not in ("http", "https") or not parsed.host:
        raise Rejected("This is no web address.", hint="It takes https://host/path.", code="bad-address")
    if parsed.userinfo:
        raise Rejected("The address has a user name in it.", hint="Leave it out.", code="bad-address")
    if not _HOST.fullmatch(parsed.raw_host) or (parsed.port is not None and parsed.port not in _PORTS):
        raise Rejected(
            "The address has no proper host and port.", hint="It takes https://host/path.", code="bad-address"
        )
    return parsed


def _innermost(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 one stands for, where it does."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if any(address in network for network in EMBEDDED):
        return ipaddress.IPv4Address(address.packed[-4:])
    return address.ipv4_mapped or address.sixtofour or address


def _beginning(chunks: Iterable[bytes]) -> bytes:
    found = b""
    for chunk in chunks:
        found += chunk
        if len(found) >= MOST_BYTES:
            break
    return found[:MOST_BYTES]


class _Pinned(httpcore.NetworkBackend):
    """Connects to one address whatever the host's name, and lets nothing last beyond `end` (monotonic)."""

    def __init__(self, address: str, end: float) -> None:
        self._address, self._end = address, end
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the address that was checked."""
        seconds = min(CONNECT_SECONDS, _left(self._end, httpcore.ConnectTimeout))
        stream = self._backend.connect_tcp(self._address, port, seconds, local_address, socket_options)
        return _Bounded(stream, self._end)


class _Bounded(httpcore.NetworkStream):
    """A stream that ends in time, however slowly the other side sends."""

    def __init__(self, stream: httpcore.NetworkStream, end: float) -> None:
        self._stream, self._end = stream, end

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what comes in time."""
        return self._stream.read(max_bytes, _left(self._end, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write in time."""
        self._stream.write(buffer, _left(self._end, httpcore.WriteTimeout))

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """Greet in time; the certificate is checked against the host's name, not the address."""
        seconds = _left(self._end, httpcore.ConnectTimeout)
        return _Bounded(self._stream.start_tls(ssl_context, server_hostname, seconds), self._end)

    def get_extra_info(self, info: str) -> Any:
        """Return what the stream knows of itself."""
        return self._stream.get_extra_info(info)


def _left(end: float, error: type[Exception]) -> float:
    seconds = end - time.monotonic()
    if seconds <= 0:
        raise error("it took too long")
    return seconds
