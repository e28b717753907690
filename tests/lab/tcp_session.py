#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Run inside a namespace: one end of a TCP session that talks all the time, as BGP's do.

    tcp_session.py serve OURS PEER PORT [KEY]            says "ready"; echoes one session, and ends
    tcp_session.py talk OURS PEER PORT SECONDS [KEY]     prints how many words were echoed, and the
                                                         longest wait for one in milliseconds

KEY signs every segment (TCP-MD5, RFC 2385).
"""

import json
import socket
import struct
import sys
import time

TCP_MD5SIG = 14
PATIENCE_S = 4.0
PERIOD_S = 0.02
WORD = struct.Struct("!I")


def end(ours: str, peer: str, port: int, key: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in peer else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.settimeout(PATIENCE_S)
    if key:
        packed = socket.inet_pton(family, peer)
        # struct tcp_md5sig of linux/tcp.h: address, flags, prefix, key length, interface, key.
        address = struct.pack("=H2s", family, b"") + (
            packed if family == socket.AF_INET else bytes(4) + packed)
        secret = key.encode()
        sock.setsockopt(socket.IPPROTO_TCP, TCP_MD5SIG, address.ljust(128, b"\0") + struct.pack(
            "=BBHi80s", 0, 0, len(secret), 0, secret))
    return sock


def receive_word(sock: socket.socket) -> bytes:
    word = b""
    while len(word) < WORD.size:
        piece = sock.recv(WORD.size - len(word))
        if not piece:
            break
        word += piece
    return word


def serve(ours: str, peer: str, port: int, key: str) -> None:
    with end(ours, peer, port, key) as listener:
        listener.bind((ours, port))
        listener.listen()
        print("ready", flush=True)
        session, _ = listener.accept()
    with session:
        session.settimeout(PATIENCE_S)
        session.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while word := receive_word(session):
            session.sendall(word)


def talk(ours: str, peer: str, port: int, seconds: float, key: str) -> None:
    longest = 0.0
    words = 0
    with end(ours, peer, port, key) as sock:
        sock.bind((ours, 0))
        sock.connect((peer, port))
        finish = time.monotonic() + seconds
        while (begin := time.monotonic()) < finish:
            sock.sendall(WORD.pack(words))
            if receive_word(sock) != WORD.pack(words):
                sys.exit("the session was closed")
            words += 1
            longest = max(longest, time.monotonic() - begin)
            time.sleep(PERIOD_S)
    print(json.dumps({"words": words, "longest_ms": longest * 1000}))


def main() -> None:
    match sys.argv[1:]:
        case ["serve", ours, peer, port, *key]:
            serve(ours, peer, int(port), "".join(key))
        case ["talk", ours, peer, port, seconds, *key]:
            talk(ours, peer, int(port), float(seconds), "".join(key))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
