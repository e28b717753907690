# SPDX-License-Identifier: Apache-2.0
"""A QUIC client's Initial packets, by RFC 9000, 9001 and 9369, on python3-cryptography."""

import hashlib
import hmac

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SALT = {
    1: bytes.fromhex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a"),
    2: bytes.fromhex("0dede3def700a6db819381be6e269dcbf9bd2ed9"),
}
NUMBER = {1: 1, 2: 0x6B3343CF}
INITIAL_TYPE = {1: 0, 2: 1}
LABEL = {1: "quic", 2: "quicv2"}


def expand(secret: bytes, label: str, size: int) -> bytes:
    name = b"tls13 " + label.encode()
    info = size.to_bytes(2, "big") + bytes([len(name)]) + name + b"\0"
    return hmac.new(secret, info + b"\1", hashlib.sha256).digest()[:size]


def varint(value: int) -> bytes:
    for bits, prefix in ((6, 0), (14, 1), (30, 2), (62, 3)):
        if value < 1 << bits:
            return (value | prefix << bits).to_bytes((bits + 2) // 8, "big")
    raise ValueError(value)


def crypto(offset: int, data: bytes) -> bytes:
    return b"\x06" + varint(offset) + varint(len(data)) + data


def initial(
    frames: bytes,
    destination: bytes,
    *,
    version: int = 1,
    key_id: bytes | None = None,
    source: bytes = b"",
    token: bytes = b"",
    number: int = 0,
    number_bytes: int = 4,
) -> bytes:
    """One protected packet. Its keys follow from `key_id`, which is `destination` if not given."""
    secret = hmac.new(SALT[version], key_id or destination, hashlib.sha256).digest()
    client = expand(secret, "client in", 32)
    key, iv, hp = (
        expand(client, f"{LABEL[version]} {what}", size)
        for what, size in (("key", 16), ("iv", 12), ("hp", 16))
    )
    first = 0xC0 | INITIAL_TYPE[version] << 4 | (number_bytes - 1)
    header = bytes([first]) + NUMBER[version].to_bytes(4, "big")
    header += bytes([len(destination)]) + destination + bytes([len(source)]) + source
    header += varint(len(token)) + token
    length = number_bytes + len(frames) + 16
    header += (length | 0x4000).to_bytes(2, "big")
    packet_number = number.to_bytes(number_bytes, "big")
    nonce = (int.from_bytes(iv, "big") ^ number).to_bytes(12, "big")
    sealed = AESGCM(key).encrypt(nonce, frames, header + packet_number)
    sample = (packet_number + sealed)[4:20]
    mask = Cipher(algorithms.AES(hp), modes.ECB()).encryptor().update(sample)
    header = bytes([header[0] ^ mask[0] & 0x0F]) + header[1:]
    hidden = bytes(a ^ b for a, b in zip(packet_number, mask[1:]))
    return header + hidden + sealed
