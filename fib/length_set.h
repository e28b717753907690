// SPDX-License-Identifier: Apache-2.0
//
// LengthSet: a set of prefix lengths, 1 to one less than an address has bits, as the bits of an
// address. /0 covers all and a host's prefix covers nothing else, so neither is ever kept: adding a
// default route is not a change of every entry.
#pragma once

#include <bit>
#include <cstdint>

#include "base/types.h"

namespace causeway {

// How many bits two addresses share from the left; all of them if they are equal.
[[nodiscard]] constexpr int shared_bits(Ipv4Address a, Ipv4Address b) noexcept {
    return std::countl_zero(a.value() ^ b.value());
}
[[nodiscard]] constexpr int shared_bits(Ipv6Address a, Ipv6Address b) noexcept {
    const int high = std::countl_zero(a.high() ^ b.high());
    return high != 64 ? high : 64 + std::countl_zero(a.low() ^ b.low());
}

template <class Address>
class LengthSet {
  public:
    constexpr LengthSet() noexcept = default;
    [[nodiscard]] static constexpr LengthSet of(int length) noexcept {
        return LengthSet(length >= 1 && length < Address::kBits ? Number{1} << length : Number{0});
    }
    [[nodiscard]] static constexpr LengthSet up_to(int length) noexcept {
        const Number all = ~Number{1};
        return LengthSet(length >= Address::kBits - 1 ? all : (Number{2} << length) - 2);
    }

    [[nodiscard]] constexpr bool empty() const noexcept { return bits_ == Address(); }
    // REQUIRES: not empty.
    [[nodiscard]] constexpr int longest() const noexcept {
        return Address::kBits - 1 - shared_bits(bits_, Address());
    }
    constexpr void add(LengthSet other) noexcept {
        bits_ = Address(bits_.value() | other.bits_.value());
    }
    constexpr void remove(LengthSet other) noexcept {
        bits_ = Address(bits_.value() & ~other.bits_.value());
    }
    friend constexpr LengthSet operator&(LengthSet a, LengthSet b) noexcept {
        return LengthSet(a.bits_.value() & b.bits_.value());
    }
    friend constexpr bool operator==(LengthSet, LengthSet) = default;

  private:
    using Number = typename Address::Number;
    constexpr explicit LengthSet(Number bits) noexcept : bits_(bits) {}

    Address bits_;  // the bit of value 2^n: length n
};

static_assert(LengthSet<Ipv4Address>::of(0).empty() && LengthSet<Ipv4Address>::of(32).empty());
static_assert(LengthSet<Ipv4Address>::up_to(0).empty());
static_assert(LengthSet<Ipv4Address>::up_to(31).longest() == 31);
static_assert(LengthSet<Ipv4Address>::of(24).longest() == 24);
static_assert(LengthSet<Ipv6Address>::up_to(128).longest() == 127);
static_assert(LengthSet<Ipv6Address>::of(48).longest() == 48);

}  // namespace causeway
