// SPDX-License-Identifier: Apache-2.0
//
// Be16, Be32, Be64: integers as they lie on the wire. They have alignment 1, so a reference into a
// packet header is legal, and they convert only by name, so a host integer never lands in a packet
// unswapped.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>

namespace causeway {

template <std::unsigned_integral T>
[[nodiscard]] constexpr T swap_bytes(T value) noexcept {
    if constexpr (std::endian::native == std::endian::big || sizeof(T) == 1) {
        return value;
    } else if constexpr (sizeof(T) == 2) {
        return __builtin_bswap16(value);
    } else if constexpr (sizeof(T) == 4) {
        return __builtin_bswap32(value);
    } else {
        return __builtin_bswap64(value);
    }
}

template <std::unsigned_integral T>
class [[gnu::packed]] Be {
  public:
    constexpr Be() noexcept = default;
    constexpr explicit Be(T host) noexcept : wire_(swap_bytes(host)) {}
    // The bits as they lie in memory, for masks and sums that do not care about order (RFC 1071 2
    // (B)).
    [[nodiscard]] static constexpr Be from_wire(T wire) noexcept {
        Be value;
        value.wire_ = wire;
        return value;
    }
    [[nodiscard]] constexpr T wire() const noexcept { return wire_; }
    [[nodiscard]] constexpr T host() const noexcept { return swap_bytes(wire_); }
    friend constexpr bool operator==(Be, Be) = default;

  private:
    T wire_ = 0;
};

using Be16 = Be<std::uint16_t>;
using Be32 = Be<std::uint32_t>;
using Be64 = Be<std::uint64_t>;
static_assert(sizeof(Be16) == 2 && alignof(Be16) == 1);
static_assert(sizeof(Be32) == 4 && alignof(Be32) == 1);
static_assert(sizeof(Be64) == 8 && alignof(Be64) == 1);

}  // namespace causeway
