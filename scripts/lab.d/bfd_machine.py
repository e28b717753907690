# SPDX-License-Identifier: Apache-2.0
"""One end of a BFD session (RFC 5880), without a clock or a socket."""

import struct

PACKET = struct.Struct("!BBBBIIIII")  # RFC 5880 4.1
VERSION_1 = 1 << 5
ADMIN_DOWN, DOWN, INIT, UP = range(4)
NAMES = ("admin-down", "down", "init", "up")
POLL, FINAL = 0x20, 0x10
SLOW_US = 1_000_000  # RFC 5880 6.8.3
JITTER = 0.85  # RFC 5880 6.8.7 wants 75 to 100 %


class Machine:
    def __init__(self, interval_us: int, multiplier: int, discriminator: int):
        self.interval_us = interval_us
        self.multiplier = multiplier
        self.discriminator = discriminator
        self.state = DOWN
        self.remote_state = DOWN
        self.remote = 0
        self.remote_min_rx_us = SLOW_US
        self.is_polling = False

    def wanted_us(self) -> int:
        return self.interval_us if self.state == UP else max(SLOW_US, self.interval_us)

    def period(self) -> float:
        """Seconds from one packet to the next."""
        return max(self.wanted_us(), self.remote_min_rx_us) / 1e6 * JITTER

    def packet(self, flags: int = 0) -> bytes:
        flags |= POLL if self.is_polling and not flags & FINAL else 0
        return PACKET.pack(VERSION_1, self.state << 6 | flags, self.multiplier, PACKET.size,
                           self.discriminator, self.remote, self.wanted_us(), self.interval_us, 0)

    def hear(self, data: bytes) -> list[bytes]:
        """What is to be sent at once."""
        if len(data) < PACKET.size:
            return []
        _, flags, _, _, mine, yours, _, min_rx_us, _ = PACKET.unpack_from(data)
        if yours not in (0, self.discriminator):
            return []
        self.remote, self.remote_min_rx_us = mine, min_rx_us
        answers = [self.packet()] if self._follow(flags >> 6) else []
        if flags & FINAL:
            self.is_polling = False
        if flags & POLL:
            answers.append(self.packet(FINAL))
        return answers

    def _follow(self, remote_state: int) -> bool:
        """Whether our state is another now: RFC 5880 6.2."""
        self.remote_state = remote_state
        before = self.state
        if before == ADMIN_DOWN:
            return False
        if remote_state == ADMIN_DOWN or (remote_state == DOWN and before == UP):
            self.state = DOWN
        elif remote_state == DOWN and before == DOWN:
            self.state = INIT
        elif remote_state in (INIT, UP) and (before == INIT or remote_state == INIT):
            self.state = UP
        if self.state != before:
            self.is_polling = self.state == UP
        return self.state != before
