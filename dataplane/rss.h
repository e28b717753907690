// SPDX-License-Identifier: Apache-2.0
//
// Receive side scaling: which worker a flow belongs to. The same for every port of the box, and for
// both directions of a flow; whether a NIC decides by this arithmetic or we do in its stead.
//
// The hash is Toeplitz with a key that repeats 16 bits (Woo and Park, "Scalable TCP Session
// Monitoring with Symmetric Receive-side Scaling"). Under such a key each 16-bit word of the input
// meets the same bits of the key, wherever it stands: so the hash is a linear function of the
// exclusive or of all words, the flow word, and its upper half repeats the lower one. The price:
// what two flows change alike on both sides does not tell them apart.
//
// Thread safety: pure functions.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/limits.h"

namespace causeway {

inline constexpr std::uint16_t kRssKeyWord = 0x6d5a;

// 52 bytes are the longest key that a driver of DPDK wants.
inline constexpr auto kRssKey = [] {
    std::array<std::uint8_t, 52> key{};
    for (std::size_t i = 0; i < key.size(); ++i) {
        key[i] = static_cast<std::uint8_t>(i % 2 == 0 ? kRssKeyWord >> 8 : kRssKeyWord & 0xff);
    }
    return key;
}();

// Entries of a NIC's indirection table repeat after this many, so that tables of any size agree.
inline constexpr std::size_t kRssSlots = 64;
static_assert(kWorkersMax <= kRssSlots);

namespace detail {

// What each byte of a flow word contributes to the hash: row 0 for the upper one.
inline constexpr auto kRssTable = [] {
    std::array<std::array<std::uint16_t, 256>, 2> table{};
    for (std::size_t byte = 0; byte < 2; ++byte) {
        for (unsigned value = 0; value < 256; ++value) {
            for (int bit = 0; bit < 8; ++bit) {
                if ((value & (0x80U >> bit)) == 0) continue;
                table[byte][value] ^= std::rotl(kRssKeyWord, 8 * static_cast<int>(byte) + bit);
            }
        }
    }
    return table;
}();

}  // namespace detail

[[nodiscard]] constexpr std::uint16_t rss_hash(std::uint16_t flow_word) noexcept {
    return detail::kRssTable[0][flow_word >> 8] ^ detail::kRssTable[1][flow_word & 0xff];
}

[[nodiscard]] constexpr unsigned worker_of(std::uint16_t rss_hash, unsigned workers) noexcept {
    return static_cast<unsigned>(rss_hash % kRssSlots) % workers;
}

// Over what a NIC takes: the addresses, and the ports of TCP and UDP where the packet is no
// fragment and, in IPv6, they follow the header directly. Of a frame with up to two tags; 0, the
// first worker's, where there is no whole header of IP.
[[nodiscard]] std::uint16_t flow_word(std::span<const std::uint8_t> frame) noexcept;

}  // namespace causeway
