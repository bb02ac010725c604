"""Requests to addresses that users name: what may be reached, and what a hostile server can do."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from web_servers import serve

from docproc import outside
from docproc.errors import Rejected, Unavailable, Usage

LOCAL = outside.networks("127.0.0.0/8")
PUBLIC = "93.184.216.34"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.255.255.254", "0.0.0.0",  # noqa: S104
        "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1",
        "169.254.169.254", "168.63.129.16", "100.100.100.200", "192.0.0.192", "224.0.0.1", "239.255.255.250",
        "240.0.0.1", "255.255.255.255", "198.18.0.1", "192.0.2.1", "203.0.113.9",
        "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1", "fec0::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:a9fe:a9fe", "::127.0.0.1", "64:ff9b::7f00:1",
        "64:ff9b::a00:1", "64:ff9b:1::a00:1", "2002:7f00:1::", "2002:a00:1::1", "2001:0:7f00:1::", "nonsense", "",
    ],
)  # fmt: skip
def test_what_is_not_public_is_not_reached(address):
    assert not outside.may_reach(address)


@pytest.mark.parametrize("address", [PUBLIC, "8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_what_is_public_is_reached(address):
    assert outside.may_reach(address)


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_judged_the_same_in_every_disguise(address):
    disguises = [f"::ffff:{address}", f"64:ff9b::{address}"]
    assert {outside.may_reach(one) for one in disguises} == {outside.may_reach(str(address))}


def test_networks_that_are_allowed_are_reached_and_no_others():
    allowed = outside.networks("10.1.0.0/16, fd00:1::/32")
    assert outside.may_reach("10.1.2.3", allowed)
    assert outside.may_reach("::ffff:10.1.2.3", allowed)
    assert outside.may_reach("fd00:1::5", allowed)
    assert not outside.may_reach("10.2.0.1", allowed)
    with pytest.raises(Usage):
        outside.networks("10.0.0.0/8,home")


@pytest.mark.parametrize(
    "url",
    [
        "", "host/path", "ftp://example.com/", "file:///etc/passwd", "gopher://example.com/", "javascript:alert(1)",
        "http://", "http:///path", "https://user:secret@example.com/", "https://user@example.com/",
        "http://example.com:0/", "http://example.com:99999/", "http://exa mple.com/",
        "http://example.com/\r\nHost: x",
        "https://example.com/" + "a" * 2_000, "//example.com/", "http://[::1", "http://\x00/",
    ],
)  # fmt: skip
def test_what_is_no_web_address_is_refused(url):
    with pytest.raises(Rejected) as told:
        outside.target(url, (), lambda *_: [PUBLIC])
    assert told.value.code == "bad-address"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://localhost/",
        "http://[::1]:80/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://0/",
    ],
)
def test_names_of_this_machine_are_refused_however_they_are_written(url):
    with pytest.raises((Rejected, Unavailable)):
        outside.target(url, ())


def test_one_private_address_among_public_ones_is_enough_to_refuse():
    with pytest.raises(Rejected, match=r"10\.0\.0\.1"):
        outside.target("https://example.com/", (), lambda *_: [PUBLIC, "10.0.0.1"])


def test_a_host_that_is_not_known_may_be_known_later():
    def unknown(host: str, port: int) -> list[str]:
        raise socket.gaierror("no such name")

    for resolver in (unknown, lambda *_: []):
        with pytest.raises(Unavailable):
            outside.target("https://example.com/", (), resolver)


def test_the_connection_goes_to_the_address_that_was_checked():
    """The name resolves to a server of ours once, and to nothing after: with a second look-up it would fail."""
    asked: list[str] = []

    def once(host: str, port: int) -> list[str]:
        asked.append(host)
        assert len(asked) == 1
        return ["127.0.0.1"]

    with serve() as server:
        where = outside.target(f"http://hooks.example.invalid:{server.port}/in?a=1", LOCAL, once)
        answer = outside.post(where, b"body", {"Content-Length": "4"})
    assert answer.status == 200
    [request] = server.requests
    assert (request.path, request.body) == ("/in?a=1", b"body")
    assert request.headers["Host"] == f"hooks.example.invalid:{server.port}"


def test_redirects_are_not_followed():
    with serve() as inside, serve([302], location=f"http://127.0.0.1:{inside.port}/") as server:
        answer = outside.post(outside.target(server.url, LOCAL), b"", {})
    assert answer.status == 302
    assert inside.requests == []


def test_proxies_of_the_environment_are_not_used(monkeypatch):
    with serve() as proxy, serve() as server:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{proxy.port}")
        assert outside.post(outside.target(server.url, LOCAL), b"", {}).status == 200
    assert proxy.requests == []
    assert len(server.requests) == 1


@contextmanager
def raw(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """Serve one connection by hand."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        done = threading.Event()

        def run() -> None:
            connection, _ = listener.accept()
            with connection:
                with suppress(OSError):  # the client goes first
                    talk(connection)
                done.wait(5)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        done.set()
        thread.join(10)


def drip(head: bytes) -> Callable[[socket.socket], None]:
    def talk(connection: socket.socket) -> None:
        connection.sendall(head)
        for _ in range(100):
            connection.sendall(b"a")
            time.sleep(0.05)

    return talk


@pytest.mark.parametrize(
    "talk",
    [
        lambda _: None,
        drip(b""),
        drip(b"HTTP/1.1 200 OK\r\nX: "),
        drip(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"),
    ],
    ids=["silent", "status", "header", "body"],
)
def test_a_slow_server_costs_a_bounded_time(talk):
    with raw(talk) as url:
        start = time.monotonic()
        with pytest.raises(Unavailable):
            outside.post(outside.target(url, LOCAL), b"", {}, seconds=0.5)
        assert time.monotonic() - start < 2


def test_of_a_long_answer_the_beginning_is_read():
    with raw(lambda connection: connection.sendall(b"HTTP/1.1 500 No\r\n\r\n" + b"x" * 10_000_000)) as url:
        answer = outside.post(outside.target(url, LOCAL), b"", {})
    assert answer.status == 500
    assert answer.body == b"x" * outside.MOST_BYTES


@pytest.mark.parametrize(
    "said", [b"", b"SSH-2.0-OpenSSH_9\r\n", b"HTTP/1.1 banana\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 50_000]
)
def test_what_is_no_http_is_told_plainly(said):
    def talk(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(said)
        connection.shutdown(socket.SHUT_WR)

    with raw(talk) as url, pytest.raises(Unavailable) as told:
        outside.post(outside.target(url, LOCAL), b"", {})
    assert told.value.code == "no-answer"


def test_a_closed_port_is_told_plainly():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Unavailable):
        outside.post(outside.target(f"http://127.0.0.1:{port}/", LOCAL), b"", {})
