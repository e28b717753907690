#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Names in traffic that others made: DNS by scapy, ClientHellos by OpenSSL, QUIC by the RFCs.

  test_names.py PROBE      CAUSEWAY_SEED=N repeats a run, which prints it
"""

import os
import random
import ssl
import subprocess
import sys
import unittest

from quic_packets import crypto, initial
from scapy.layers.dns import DNS, DNSQR, DNSRR

PROBE = ""
SEED = int(os.environ.get("CAUSEWAY_SEED") or random.randrange(1 << 32))


def ask(questions: list[str]) -> list[str]:
    ran = subprocess.run(
        [PROBE], input="\n".join(questions) + "\n", capture_output=True, text=True, check=True
    )
    answers = [line.strip() for line in ran.stdout.splitlines()]
    assert len(answers) == len(questions), ran.stderr
    return answers


def client_hello(name: str | None, alpn: int = 0) -> bytes:
    """The first flight of OpenSSL's client, in TLS records; a long list of ALPN makes it long."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    if alpn:
        context.set_alpn_protocols([f"protocol-{i:03}" for i in range(alpn)])
    out = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), out, server_hostname=name)
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return out.read()


def handshake_of(records: bytes) -> bytes:
    messages = b""
    while records:
        size = int.from_bytes(records[3:5], "big")
        messages += records[5 : 5 + size]
        records = records[5 + size :]
    return messages


class Randomly(unittest.TestCase):
    def setUp(self) -> None:
        self.random = random.Random(SEED)

    def name(self) -> str:
        labels = [
            "".join(self.random.choices("abcxyz019-_", k=self.random.randint(1, 20))).strip("-")
            or "a"
            for _ in range(self.random.randint(1, 4))
        ]
        return ".".join(labels) + ".example.com"

    def cut(self, data: bytes, parts_max: int = 6) -> list[bytes]:
        places = sorted(self.random.randint(0, len(data)) for _ in range(parts_max - 1))
        return [data[a:b] for a, b in zip([0, *places], [*places, len(data)])]


class Dns(Randomly):
    def answer(self, name: str, records: list[DNSRR], **fields: int) -> bytes:
        return bytes(
            DNS(qr=1, qd=DNSQR(qname=name), an=self.chain(records), ancount=len(records), **fields)
        )

    @staticmethod
    def chain(records: list[DNSRR]):
        layers = None
        for record in records:
            layers = record if layers is None else layers / record
        return layers

    def test_chains_of_aliases(self) -> None:
        questions, expected = [], []
        for _ in range(300):
            names = [self.name() for _ in range(self.random.randint(1, 6))]
            if len(set(names)) != len(names):
                continue
            ttls = [self.random.randint(0, 100_000) for _ in names]
            records = [
                DNSRR(rrname=a, type="CNAME", rdata=b, ttl=ttl)
                for a, b, ttl in zip(names, names[1:], ttls)
            ]
            wanted = []
            for _ in range(self.random.randint(0, 5)):
                ttl = self.random.randint(0, 100_000)
                if self.random.random() < 0.5:
                    kind, address = "A", f"192.0.2.{self.random.randint(0, 255)}"
                else:
                    kind, address = "AAAA", f"2001:db8::{self.random.randint(1, 65535):x}"
                records.append(DNSRR(rrname=names[-1], type=kind, rdata=address, ttl=ttl))
                wanted.append((address, min([ttl, *ttls[: len(names) - 1]])))
            if self.random.random() < 0.3:
                records.append(DNSRR(rrname=self.name(), type="A", rdata="198.51.100.1", ttl=1))
            order = list(range(len(records)))
            if self.random.random() < 0.3:  # aliases may stand in any order
                aliases = order[: len(names) - 1]
                self.random.shuffle(aliases)
                order[: len(names) - 1] = aliases
            questions.append("dns " + self.answer(names[0], [records[i] for i in order]).hex())
            expected.append(" ".join([*names, *(f"{a}/{t}" for a, t in wanted)]))
        self.assertEqual(ask(questions), expected)

    def test_compressed_and_upper_case(self) -> None:
        # Question WWW.Example.com, then an alias by pointers: c00c is the question's name.
        message = bytes.fromhex("000081800001000200000000")
        message += b"\3WWW\7Example\3com\0" + bytes.fromhex("00010001")
        message += bytes.fromhex("c00c00050001000000640006") + b"\3cdn" + bytes.fromhex("c010")
        message += bytes.fromhex("c02d0001000100000e100004c0000201")
        self.assertEqual(
            ask(["dns " + message.hex()]), ["www.example.com cdn.example.com 192.0.2.1/100"]
        )

    def test_no_answers(self) -> None:
        record = [DNSRR(rrname="a.example.com", type="A", rdata="192.0.2.1", ttl=60)]
        wrong = [
            self.answer("a.example.com", record, rcode=3),
            self.answer("a.example.com", record, tc=1),
            self.answer("a.example.com", record, opcode=4),
            bytes(DNS(qr=0, qd=DNSQR(qname="a.example.com"))),
            self.answer("bad name.example.com", record),
        ]
        self.assertEqual(ask(["dns " + w.hex() for w in wrong]), ["no_answer"] * len(wrong))

    def test_other_classes_types_and_lengths_are_passed_over(self) -> None:
        name = "a.example.com"
        records = [
            DNSRR(rrname=name, type="A", rclass=3, rdata="192.0.2.9", ttl=5),
            DNSRR(rrname=name, type="TXT", rdata="v=spf1", ttl=5),
            DNSRR(rrname=name, type="A", rdata="192.0.2.1", ttl=(1 << 31) + 5),
        ]
        self.assertEqual(ask(["dns " + self.answer(name, records).hex()]), [f"{name} 192.0.2.1/0"])

    def test_every_cut_is_noticed(self) -> None:
        whole = self.answer(
            "a.example.com",
            [
                DNSRR(rrname="a.example.com", type="CNAME", rdata="b.example.com", ttl=60),
                DNSRR(rrname="b.example.com", type="A", rdata="192.0.2.1", ttl=60),
            ],
        )
        answers = ask([f"dns {whole[:size].hex()}" for size in range(1, len(whole))])
        self.assertEqual(set(answers), {"cut"})

    def test_hostile_names(self) -> None:
        head = bytes.fromhex("000081800001000000000000")
        loops = head + b"\xc0\x0c" + bytes(4)  # a pointer to itself
        forth = head + b"\xc0\x20" + bytes(40)
        back_and_forth = head + b"\1a\xc0\x0c" + bytes(4)
        long_label = head + b"\x40" + b"a" * 64 + bytes(5)
        long_name = head + b"\x3f" * 1 + (b"a" * 63 + b"\x3f") * 4 + b"a" * 63 + bytes(5)
        wrong = [loops, forth, back_and_forth, long_label, long_name]
        self.assertEqual(ask(["dns " + w.hex() for w in wrong]), ["bad_name"] * len(wrong))


class Streams(Randomly):
    def segments(self, data: bytes) -> str:
        """The data in segments that overlap and come in any order."""
        first = self.random.randrange(1 << 32)
        words = []
        at = 0
        for part in self.cut(data):
            back = self.random.randint(0, min(at, 5))
            segment = data[at - back : at + len(part)]
            words.append(f"{(first + at - back) % (1 << 32)}:{segment.hex()}")
            at += len(part)
        self.random.shuffle(words)
        return f"stream {first} " + " ".join(words)

    def records(self, hello: bytes) -> bytes:
        """The same handshake in other records."""
        out = b""
        for part in self.cut(handshake_of(hello)):
            if part:
                out += b"\x16\x03\x01" + len(part).to_bytes(2, "big") + part
        return out

    def test_openssl_client_hellos(self) -> None:
        questions, expected = [], []
        for _ in range(100):
            name = self.name()
            hello = client_hello(name, alpn=self.random.choice([0, 0, 50, 200]))
            for form in (hello, self.records(hello)):
                questions.append(self.segments(form))
                expected.append(f"found {name}")
        self.assertEqual(ask(questions), expected)

    def test_client_hello_without_name(self) -> None:
        self.assertEqual(ask([f"stream 0 0:{client_hello(None).hex()}"]), ["none"])

    def test_every_cut_waits_for_more(self) -> None:
        hello = client_hello("www.example.com")
        answers = ask([f"stream 0 0:{hello[:size].hex()}" for size in range(len(hello))])
        found = answers.index("found www.example.com")
        self.assertEqual(set(answers[:found]), {"more"})
        self.assertEqual(set(answers[found:]), {"found www.example.com"})
        self.assertGreaterEqual(found, hello.index(b"www.example.com") + len("www.example.com"))

    def test_hostile_client_hellos(self) -> None:
        hello = bytearray(client_hello("www.example.com"))
        at = hello.index(b"www.example.com")
        longer_name = hello[: at - 2] + b"\xff\xff" + hello[at:]
        longer_list = hello[: at - 5] + b"\xff\xff" + hello[at - 3 :]
        no_name = hello[:at] + b"192.168.100.100"[:15] + hello[at + 15 :]
        empty_record = b"\x16\x03\x01\0\0" + hello
        alert = b"\x15" + hello[1:]
        long_record = hello[:3] + b"\x40\x01" + hello[5:]
        server_hello = hello[:5] + b"\x02" + hello[6:]
        wrong = [longer_name, longer_list, no_name, empty_record, alert, long_record, server_hello]
        questions = [f"stream 0 0:{bytes(w).hex()}" for w in wrong]
        self.assertEqual(ask(questions), ["none"] * len(wrong))

    def test_http_requests(self) -> None:
        for request, answer in (
            ("GET /a HTTP/1.1\r\nHost: www.example.com\r\n\r\n", "found www.example.com"),
            ("GET /a HTTP/1.1\nUser-Agent: x\nhOST:\tWWW.example.com:80 \n\n",
             "found www.example.com"),
            ("GET http://u@a.example.com:8080/b HTTP/1.1\r\nHost: b.example.com\r\n\r\n",
             "found a.example.com"),
            ("CONNECT a.example.com:443 HTTP/1.1\r\nHost: b.example.com\r\n\r\n",
             "found a.example.com"),
            ("POST /ocsp HTTP/1.0\r\nHost: ocsp.example.com\r\nContent-Length: 3\r\n\r\nabc",
             "found ocsp.example.com"),
            ("GET /a HTTP/1.1\r\nAccept: */*\r\n\r\nHost: www.example.com\r\n", "none"),
            ("GET /a HTTP/1.1\r\nHost: 192.0.2.1\r\n\r\n", "none"),
            ("GET /a HTTP/1.1\r\nHost: [2001:db8::1]\r\n\r\n", "none"),
            ("GET /a HTTP/1.1\r\nno colon\r\nHost: www.example.com\r\n\r\n", "none"),
            ("GET /a SIP/2.0\r\nHost: www.example.com\r\n\r\n", "none"),
            ("SSH-2.0-OpenSSH_9.2\r\n", "none"),
            ("GET /a HTTP/1.1\r\nHost: www.exam", "more"),
            ("GET /a HTT", "more"),
            ("GE", "more"),
        ):
            with self.subTest(request=request):
                self.assertEqual(ask([f"stream 5 5:{request.encode().hex()}"]), [answer])
                if answer.startswith("found"):
                    cut = ask([self.segments(request.encode()) for _ in range(20)])
                    self.assertEqual(set(cut), {answer})


class Quic(Randomly):
    # RFC 9001 A.2 and RFC 9369 A.2: the client's first Initial packet.
    FRAMES = bytes.fromhex(
        "060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e86804fe3a47f06a2b69484c0000"
        "0413011302010000c000000010000e00000b6578616d706c652e636f6dff01000100000a0008000600"
        "1d0017001800100007000504616c706e000500050100000000003300260024001d00209370b2c9caa47fba"
        "baf4559fedba753de171fa71f50f1ce15d43e994ec74d748002b0003020304000d0010000e040305030603"
        "020308040805080600 2d00020101001c00024001003900320408ffffffffffffffff05048000ffff070480"
        "00ffff0801100104800075300901100f088394c8f03e51570806048000ffff".replace(" ", "")
    )
    ID = bytes.fromhex("8394c8f03e515708")
    BEGINS = {
        1: "c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11d242b123dc9bd8bab936",
        2: "d76b3343cf088394c8f03e5157080000449ea0c95e82ffe67b6abcdb4298b485dd04de806071bf03dcee",
    }

    def test_packets_of_the_rfcs(self) -> None:
        for version, begin in self.BEGINS.items():
            packet = initial(self.FRAMES.ljust(1162, b"\0"), self.ID, version=version, number=2)
            self.assertEqual(packet[: len(begin) // 2].hex(), begin)
            self.assertEqual(ask([f"quic {packet.hex()}"]), ["initial found example.com"])

    def frames(self, hello: bytes) -> list[bytes]:
        """CRYPTO frames in any order, with PING, PADDING and ACK between, for some packets."""
        frames, at = [], 0
        for part in self.cut(hello, self.random.randint(1, 12)):
            frames.append(crypto(at, part))
            at += len(part)
        others = [b"\1", b"\0" * 9, b"\2\0\0\0\0", b"\3\1\0\1\0\0\0\0\0\0"]
        frames += self.random.choices(others, k=4)
        self.random.shuffle(frames)
        return frames

    def test_hellos_over_packets_and_datagrams(self) -> None:
        questions, expected = [], []
        for _ in range(100):
            name = self.name()
            hello = handshake_of(client_hello(name, alpn=self.random.choice([0, 100])))
            version = self.random.choice([1, 2])
            first_id = self.random.randbytes(self.random.randint(8, 20))
            frames = self.frames(hello)
            half = self.random.randint(0, len(frames))
            packets = [
                initial(
                    b"".join(some) + b"\0" * 30,
                    first_id if k == 0 else self.random.randbytes(8),
                    key_id=first_id,
                    version=version,
                    source=self.random.randbytes(self.random.randint(0, 20)),
                    token=self.random.randbytes(self.random.choice([0, 90])),
                    number=k,
                    number_bytes=self.random.randint(1, 4),
                )
                for k, some in enumerate((frames[:half], frames[half:]))
            ]
            if self.random.random() < 0.5:
                questions.append("quic " + " ".join(p.hex() for p in packets))
                expected.append(f"initial initial found {name}")
            else:  # two packets in one datagram
                questions.append("quic " + b"".join(packets).hex())
                expected.append(f"initial found {name}")
        self.assertEqual(ask(questions), expected)

    def test_retry_gives_new_keys(self) -> None:
        hello = handshake_of(client_hello("www.example.com"))
        first = initial(crypto(0, hello[:40]) + b"\0" * 30, b"original")
        second = initial(crypto(0, hello) + b"\0" * 30, b"retried!", token=b"token", number=1)
        self.assertEqual(
            ask([f"quic {first.hex()} {second.hex()}"]), ["initial initial found www.example.com"]
        )

    def test_hostile_datagrams(self) -> None:
        hello = crypto(0, handshake_of(client_hello("www.example.com"))) + b"\0" * 30
        packet = initial(hello, b"original")
        damaged = packet[:-1] + bytes([packet[-1] ^ 1])
        stream_frame = initial(b"\x08\x00" + hello, b"original")
        cut_frame = initial(hello[:20], b"original")
        for datagram, answer in (
            (damaged, "unopened more"),
            (stream_frame, "unopened more"),
            (cut_frame, "unopened more"),
            (packet[:-1], "no_initial more"),
            (packet[:1] + b"\0\0\0\3" + packet[5:], "no_initial more"),  # an unknown version
            (b"\x40" + packet[1:], "no_initial more"),  # a short header
            (packet[:5] + b"\x15" + packet[6:], "no_initial more"),  # an ID of 21 bytes
            (b"\xc0\0\0\0\1\0\0\0\0", "unopened more"),
            (b"\xc0\0\0\0\1", "no_initial more"),
        ):
            with self.subTest(datagram=datagram[:10].hex()):
                self.assertEqual(ask([f"quic {datagram.hex()}"]), [answer])


class Flows(Randomly):
    """Labels of flows by the same traffic: which packet tells, and what of one that does not."""

    SYN, ACK = 2, 16

    def tcp(self, parts: list[tuple[int, bytes]]) -> str:
        first = self.random.randrange(1 << 32)
        words = [f"{first}:{self.SYN}:"]
        for at, data in parts:
            words.append(f"{(first + 1 + at) % (1 << 32)}:{self.ACK}:{data.hex()}")
        return "flow " + " ".join(words)

    def test_split_client_hellos_label_their_flow_once(self) -> None:
        questions, expected = [], []
        for _ in range(40):
            inside = self.random.random() < 0.5
            hello = client_hello(self.name() if inside else "www.example.net")
            parts, at = [], 0
            for data in self.cut(hello):
                if data:
                    parts.append((at, data))
                    at += len(data)
            self.random.shuffle(parts)
            told = self.told_by(hello, parts)
            questions.append(self.tcp(parts))
            expected.append(" ".join(["-"] * (1 + told) + [str(int(inside))]))
        for answer, wanted in zip(ask(questions), expected):
            # Behind the packet that tells nothing is told again.
            self.assertEqual(answer.rstrip("- "), wanted.rstrip("- "))

    @staticmethod
    def told_by(hello: bytes, parts: list[tuple[int, bytes]]) -> int:
        """How many segments come before the one that shows the name's end."""
        name = hello.index(b".example.") + len(b".example.com")
        for count in range(1, len(parts) + 1):
            end = 0
            for at, data in sorted(parts[:count]):
                if at <= end:
                    end = max(end, at + len(data))
            if end >= name:
                return count - 1
        raise ValueError(parts)

    def test_quic_flows_are_labelled_over_datagrams(self) -> None:
        questions, expected = [], []
        for _ in range(20):
            inside = self.random.random() < 0.5
            name = self.name() if inside else "www.example.net"
            hello = handshake_of(client_hello(name))
            first_id = self.random.randbytes(8)
            cut = self.random.randint(1, hello.index(b".example."))
            halves = [crypto(0, hello[:cut]), crypto(cut, hello[cut:])]
            self.random.shuffle(halves)
            packets = [
                initial(half + b"\0" * 30, first_id, number=k) for k, half in enumerate(halves)
            ]
            questions.append("flow " + " ".join(f"udp:{packet.hex()}" for packet in packets))
            expected.append(f"- {int(inside)}")
        self.assertEqual(ask(questions), expected)

    def test_what_is_truncated_or_hostile_has_no_label(self) -> None:
        hello = client_hello("www.example.com")
        packet = initial(crypto(0, handshake_of(hello)) + b"\0" * 30, b"original")
        damaged = packet[:-1] + bytes([packet[-1] ^ 1])
        for question, answer in (
            (self.tcp([(0, hello[: hello.index(b"example")])]), "- -"),
            (self.tcp([(0, b"\x15" + hello[1:])]), "- 0"),
            (self.tcp([(0, hello[:3] + b"\x40\x01" + hello[5:])]), "- 0"),
            # Eight packets with data, and no name among them.
            (self.tcp([(0, hello[:5])] * 8), "- " + "- " * 7 + "0"),
            (f"flow udp:{damaged.hex()}", "0"),
            (f"flow udp:{packet[:-1].hex()}", "0"),
            ("flow udp:" + b"\x40".hex(), "0"),
        ):
            with self.subTest(question=question[:60]):
                self.assertEqual(ask([question]), [answer])


if __name__ == "__main__":
    PROBE = sys.argv.pop(1)
    print(f"CAUSEWAY_SEED={SEED}")
    unittest.main()
