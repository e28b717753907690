#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The NAT's log file and its IPFIX messages, read by decoders that know nothing of ours but the
documents: RFC 7011 for the messages, nat/log_record.h for the file; and what `causeway nat log`
makes of the file."""

from __future__ import annotations

import datetime
import ipaddress
import json
import os
import random
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

Fields = list[tuple[int, int]]
Record = dict[int, int]

# Elements of IANA's registry.
TIME, EVENT, INSTANCE = 323, 230, 463
SOURCE, POST_SOURCE, PROTOCOL = 8, 225, 4
PORT, POST_PORT = 7, 227
DESTINATION, POST_DESTINATION = 12, 226
DESTINATION_PORT, POST_DESTINATION_PORT = 11, 228
RANGE_START, RANGE_END = 361, 362

# RFC 8158 table 2, by our kinds.
EVENTS = {1: 16, 2: 17, 3: 4, 4: 5}


class Collector:
    """What RFC 7011 asks of one: templates as they come, records by them, gaps noticed."""

    def __init__(self) -> None:
        self.templates: dict[int, Fields] = {}
        self.expected = 0
        self.lost = 0

    def read(self, stream: bytes) -> Iterator[Record]:
        while stream:
            version, length, _, sequence, domain = struct.unpack_from("!HHIII", stream)
            assert version == 10 and domain == 7 and 16 < length <= 1400, (version, domain, length)
            self.lost += (sequence - self.expected) % 2**32
            records = list(self.read_sets(stream[16:length]))
            self.expected = (sequence + len(records)) % 2**32
            yield from records
            stream = stream[length:]

    def read_sets(self, sets: bytes) -> Iterator[Record]:
        while sets:
            number, length = struct.unpack_from("!HH", sets)
            assert 4 <= length <= len(sets)
            body = sets[4:length]
            if number == 2:
                self.read_templates(body)
            else:
                yield from self.read_records(self.templates[number], body)
            sets = sets[length:]

    def read_templates(self, body: bytes) -> None:
        while body:
            number, count = struct.unpack_from("!HH", body)
            assert number >= 256
            words = struct.unpack_from(f"!{2 * count}H", body, 4)
            self.templates[number] = list(zip(words[::2], words[1::2]))
            body = body[4 + 4 * count :]

    @staticmethod
    def read_records(fields: Fields, body: bytes) -> Iterator[Record]:
        size = sum(length for _, length in fields)
        assert body and len(body) % size == 0
        for start in range(0, len(body), size):
            at, record = start, {}
            for element, length in fields:
                record[element] = int.from_bytes(body[at : at + length], "big")
                at += length
            yield record


def expected_record(words: list[str]) -> Record:
    time, what, *numbers = words
    kind, pool, *rest = map(int, numbers)
    record = {TIME: int(time), EVENT: EVENTS[kind], INSTANCE: pool}
    if what == "block":
        inside, outside, first, ports = rest
        return record | {
            SOURCE: inside,
            POST_SOURCE: outside,
            RANGE_START: first,
            RANGE_END: first + ports - 1,
        }
    protocol, inside, inside_port, outside, outside_port, remote, remote_port = rest
    return record | {
        PROTOCOL: protocol,
        SOURCE: inside,
        PORT: inside_port,
        POST_SOURCE: outside,
        POST_PORT: outside_port,
        DESTINATION: remote,
        POST_DESTINATION: remote,
        DESTINATION_PORT: remote_port,
        POST_DESTINATION_PORT: remote_port,
    }


def file_lines(content: bytes) -> Iterator[str]:
    """The records of a log file as nat_log_sample prints them."""
    magic, version, size = struct.unpack_from("!8sII", content)
    assert (magic, version, size) == (b"CWNATLOG", 1, 32)
    assert (len(content) - 16) % 32 == 0
    for at in range(16, len(content), 32):
        time, inside, outside, remote, *small = struct.unpack_from("!QIII5HBB", content, at)
        inside_port, outside_port, remote_port, ports, pool, kind, protocol = small
        if kind == 0:
            yield f"{time} lost {inside}"
        elif kind <= 2:
            yield f"{time} block {kind} {pool} {inside} {outside} {outside_port} {ports}"
        else:
            yield (
                f"{time} session {kind} {pool} {protocol} {inside} {inside_port} {outside} "
                f"{outside_port} {remote} {remote_port}"
            )


def shown_lines(causeway: str, file: Path) -> Iterator[str]:
    """The same, of the rows that `causeway --json nat log` prints."""
    shown = subprocess.run(
        [causeway, "--json", "nat", "log", file], check=True, capture_output=True, text=True
    ).stdout
    names = ["block-lent", "block-returned", "session-begun", "session-ended"]
    for row in json.loads(shown):
        moment = datetime.datetime.fromisoformat(row["time"].replace("Z", "+00:00"))
        time = round(moment.timestamp() * 1000)
        if "lost" in row:
            yield f"{time} lost {row['lost']}"
            continue
        kind = names.index(row["event"]) + 1
        inside, outside = (int(ipaddress.IPv4Address(row[end])) for end in ("inside", "outside"))
        if kind <= 2:
            first = row["first-port"]
            ports = row["last-port"] - first + 1
            yield f"{time} block {kind} {row['pool']} {inside} {outside} {first} {ports}"
            continue
        protocol = {"icmp": 1, "tcp": 6, "udp": 17}[row["protocol"]]
        remote = int(ipaddress.IPv4Address(row["remote"]))
        yield (
            f"{time} session {kind} {row['pool']} {protocol} {inside} {row['inside-port']} "
            f"{outside} {row['outside-port']} {remote} {row['remote-port']}"
        )


def main() -> None:
    sample, causeway = sys.argv[1:]
    seed = int(os.environ.get("CAUSEWAY_SEED") or str(random.randrange(2**32)), 0)
    print(f"CAUSEWAY_SEED={seed}")
    with tempfile.TemporaryDirectory() as folder:
        file, messages = Path(folder, "log"), Path(folder, "messages")
        told = subprocess.run(
            [sample, str(seed), file, messages], check=True, capture_output=True, text=True
        ).stdout.splitlines()
        assert list(file_lines(file.read_bytes())) == told, "the file says something else"
        assert list(shown_lines(causeway, file)) == told, "what is shown is something else"

        collector = Collector()
        received = list(collector.read(messages.read_bytes()))
        events = [line.split() for line in told if " lost " not in line]
        assert len(events) > 500
        assert received == [expected_record(words) for words in events]
        losses = [int(line.split()[2]) for line in told if " lost " in line]
        # What is lost behind the last message shows with the next one.
        assert sum(losses) - 100_000 < collector.lost <= sum(losses) and collector.lost > 0


if __name__ == "__main__":
    main()
