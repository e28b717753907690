#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Run inside a switch's namespace: sends TCP segments to port 179 out of one of its ports, at a
rate that no socket reaches, for the kernel makes the frames (BPF_F_TEST_XDP_LIVE_FRAMES).

    xdp_flood.py OBJECT OUTER INNER ROUTER-MAC SOURCE DESTINATION RATE SECONDS

OBJECT is xdp_flood.bpf.c, compiled for a port whose far end has an XDP program: without one the
kernel drops what is sent. OUTER and INNER are the tags of each frame. Prints how many were sent,
and in how many seconds.
"""

import ctypes
import json
import os
import socket
import struct
import sys
import time

from flood import syn

LIVE_FRAMES = 1 << 1  # BPF_F_TEST_XDP_LIVE_FRAMES of linux/bpf.h
BATCH = 64  # frames; a veth takes 256 before its far end must have a look
SLICE_S = 0.01
# A call takes some 25 ms to put its pages away, however few frames it sent; and nobody who was kept
# waiting for longer catches up all at once.
LATE_MAX_S = 0.1
PORT, WINDOW = 20_000, 4_096  # whose sum the program keeps
SOURCE_MAC = bytes.fromhex("020000000179")


class TestRun(ctypes.Structure):
    """struct bpf_test_run_opts of bpf/bpf.h."""

    _fields_ = [("size", ctypes.c_size_t), ("data_in", ctypes.c_char_p),
                ("data_out", ctypes.c_void_p), ("data_size_in", ctypes.c_uint32),
                ("data_size_out", ctypes.c_uint32), ("context_in", ctypes.c_void_p),
                ("context_out", ctypes.c_void_p), ("context_size_in", ctypes.c_uint32),
                ("context_size_out", ctypes.c_uint32), ("result", ctypes.c_uint32),
                ("repeat", ctypes.c_int), ("duration", ctypes.c_uint32),
                ("flags", ctypes.c_uint32), ("cpu", ctypes.c_uint32),
                ("batch_size", ctypes.c_uint32)]


class Program:
    """An XDP program that is run on frames which do not come from a device."""

    def __init__(self, path: str):
        self._libbpf = ctypes.CDLL("libbpf.so.1", use_errno=True)
        for function in ("bpf_object__open_file", "bpf_object__next_program"):
            getattr(self._libbpf, function).restype = ctypes.c_void_p
        self._object = ctypes.c_void_p(self._call("bpf_object__open_file", path.encode(), None))
        self._call("bpf_object__load", self._object)
        program = self._call("bpf_object__next_program", self._object, None)
        self._fd = self._call("bpf_program__fd", ctypes.c_void_p(program))

    def run(self, frame: bytes, repeat: int) -> None:
        options = TestRun(size=ctypes.sizeof(TestRun), data_in=frame, data_size_in=len(frame),
                          repeat=repeat, flags=LIVE_FRAMES, batch_size=BATCH)
        self._call("bpf_prog_test_run_opts", self._fd, ctypes.byref(options))

    def _call(self, function: str, *arguments: object) -> int:
        result = getattr(self._libbpf, function)(*arguments)
        if result is None or result < 0:  # a null pointer, or an error
            sys.exit(f"{function}: {os.strerror(ctypes.get_errno())}")
        return int(result)


def flood(program: Program, frame: bytes, rate: float, seconds: float) -> tuple[int, float]:
    sent, due, begin = 0, 0.0, time.monotonic()
    now = begin
    while now - begin < seconds:
        before, now = now, time.monotonic()
        due = min(due + (now - before) * rate, LATE_MAX_S * rate)
        if due < SLICE_S * rate:
            time.sleep(SLICE_S)
            continue
        repeat = int(due) // BATCH * BATCH
        program.run(frame, repeat)
        sent, due = sent + repeat, due - repeat
    return sent, now - begin


def main() -> None:
    if len(sys.argv) != 9:
        sys.exit(__doc__)
    path, outer, inner, router, source, destination, rate, seconds = sys.argv[1:]
    macs = bytes.fromhex(router.replace(":", "")) + SOURCE_MAC
    tags = struct.pack("!HHHH", 0x8100, int(outer), 0x8100, int(inner))
    plain = syn(macs, socket.inet_aton(source), socket.inet_aton(destination), PORT, WINDOW)
    frame = plain[:len(macs)] + tags + plain[len(macs):]
    sent, took = flood(Program(path), frame, float(rate), float(seconds))
    print(json.dumps({"sent": sent, "seconds": took}))


if __name__ == "__main__":
    main()
