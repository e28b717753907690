// SPDX-License-Identifier: Apache-2.0
//
// The words of the program as types. An id of one kind never passes for another, and a type that
// holds only valid values is checked once, where it is made.
#pragma once

#include <array>
#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace causeway {

template <class Tag, std::unsigned_integral T>
class Id {
  public:
    using Value = T;
    constexpr Id() noexcept = default;
    constexpr explicit Id(T value) noexcept : value_(value) {}
    [[nodiscard]] constexpr T value() const noexcept { return value_; }
    friend constexpr auto operator<=>(Id, Id) = default;

  private:
    T value_ = 0;
};

using PortId = Id<struct PortTag, std::uint8_t>;
using WorkerId = Id<struct WorkerTag, std::uint8_t>;
using AttachmentId = Id<struct AttachmentTag, std::uint16_t>;
using VrfId = Id<struct VrfTag, std::uint16_t>;
using NextHopId = Id<struct NextHopTag, std::uint32_t>;  // a gateway: (attachment, address)
using GroupId = Id<struct GroupTag, std::uint16_t>;      // what a route points at
using PeeringId = Id<struct PeeringTag, std::uint16_t>;
using RuleCounterId = Id<struct RuleCounterTag, std::uint32_t>;  // 0: of no rule
using AdjacencyId = Id<struct AdjacencyTag, std::uint16_t>;      // what a frame needs to leave

enum class Link : std::uint8_t { kPrimary, kSecondary };
enum class PortRole : std::uint8_t { kEdge, kCore };
enum class PeeringType : std::uint8_t { kPrivate, kMicrosoft };

// A VLAN identifier that may name a customer: 1 to 4094 (IEEE 802.1Q table 9-2 reserves 0 and
// 4095).
class VlanId {
  public:
    [[nodiscard]] static constexpr std::optional<VlanId> from(std::int64_t value) noexcept {
        if (value < 1 || value > 4094) return std::nullopt;
        return VlanId(static_cast<std::uint16_t>(value));
    }
    [[nodiscard]] constexpr std::uint16_t value() const noexcept { return value_; }
    friend constexpr auto operator<=>(VlanId, VlanId) = default;

  private:
    constexpr explicit VlanId(std::uint16_t value) noexcept : value_(value) {}
    std::uint16_t value_;
};

enum class Tpid : std::uint16_t { kDot1q = 0x8100, kDot1ad = 0x88a8 };

struct MacAddress {
    std::array<std::uint8_t, 6> bytes{};
    friend constexpr auto operator<=>(const MacAddress&, const MacAddress&) = default;
};
inline constexpr MacAddress kBroadcastMac{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

// An IPv4 address in host order: 10.0.0.1 is 0x0a000001, so addresses sort and mask as numbers.
class Ipv4Address {
  public:
    using Number = std::uint32_t;
    static constexpr int kBits = 32;

    constexpr Ipv4Address() noexcept = default;
    constexpr explicit Ipv4Address(std::uint32_t value) noexcept : value_(value) {}
    [[nodiscard]] constexpr std::uint32_t value() const noexcept { return value_; }
    friend constexpr auto operator<=>(Ipv4Address, Ipv4Address) = default;

  private:
    std::uint32_t value_ = 0;
};

__extension__ using Uint128 = unsigned __int128;

// An IPv6 address, likewise: ::1 is 1. Kept in halves, so that it needs no more than their
// alignment.
class Ipv6Address {
  public:
    using Number = Uint128;
    static constexpr int kBits = 128;

    constexpr Ipv6Address() noexcept = default;
    constexpr explicit Ipv6Address(Uint128 value) noexcept
        : high_(static_cast<std::uint64_t>(value >> 64)), low_(static_cast<std::uint64_t>(value)) {}
    constexpr Ipv6Address(std::uint64_t high, std::uint64_t low) noexcept
        : high_(high), low_(low) {}
    [[nodiscard]] constexpr Uint128 value() const noexcept { return Uint128{high_} << 64 | low_; }
    [[nodiscard]] constexpr std::uint64_t high() const noexcept { return high_; }
    [[nodiscard]] constexpr std::uint64_t low() const noexcept { return low_; }
    friend constexpr auto operator<=>(Ipv6Address, Ipv6Address) = default;

  private:
    std::uint64_t high_ = 0;
    std::uint64_t low_ = 0;
};

// A prefix without host bits. Ordered by address, then by length: a prefix stands before all it
// covers.
template <class AddressT>
class Prefix {
  public:
    using Address = AddressT;
    using Number = typename Address::Number;
    static constexpr int kLengthMax = Address::kBits;

    constexpr Prefix() noexcept = default;  // that of length 0
    [[nodiscard]] static constexpr std::optional<Prefix> from(Address address,
                                                              int length) noexcept {
        if (length < 0 || length > kLengthMax) return std::nullopt;
        if ((address.value() & ~mask_of(length)) != 0) return std::nullopt;
        return Prefix(address, static_cast<std::uint8_t>(length));
    }
    // The prefix of this length that holds the address.
    [[nodiscard]] static constexpr Prefix of(Address address, int length) noexcept {
        return {Address(address.value() & mask_of(length)), static_cast<std::uint8_t>(length)};
    }
    [[nodiscard]] static constexpr Number mask_of(int length) noexcept {
        return length == 0 ? Number{0} : ~Number{0} << (kLengthMax - length);
    }
    [[nodiscard]] constexpr Address address() const noexcept { return address_; }
    [[nodiscard]] constexpr int length() const noexcept { return length_; }
    [[nodiscard]] constexpr Number mask() const noexcept { return mask_of(length_); }
    [[nodiscard]] constexpr Address first() const noexcept { return address_; }
    [[nodiscard]] constexpr Address last() const noexcept {
        return Address(address_.value() | ~mask());
    }
    [[nodiscard]] constexpr bool contains(Address a) const noexcept {
        return (a.value() & mask()) == address_.value();
    }
    [[nodiscard]] constexpr bool contains(Prefix other) const noexcept {
        return other.length_ >= length_ && contains(other.address_);
    }
    [[nodiscard]] constexpr bool overlaps(Prefix other) const noexcept {
        return contains(other) || other.contains(*this);
    }
    friend constexpr auto operator<=>(Prefix, Prefix) = default;

  private:
    constexpr Prefix(Address address, std::uint8_t length) noexcept
        : address_(address), length_(length) {}
    Address address_;
    std::uint8_t length_ = 0;
};
using Ipv4Prefix = Prefix<Ipv4Address>;
using Ipv6Prefix = Prefix<Ipv6Address>;
static_assert(sizeof(Ipv4Prefix) == 8 && sizeof(Ipv6Prefix) == 24);

// Of either family, where the control plane does not care which.
using IpAddress = std::variant<Ipv4Address, Ipv6Address>;
using IpPrefix = std::variant<Ipv4Prefix, Ipv6Prefix>;

}  // namespace causeway

template <class Tag, class T>
struct std::hash<causeway::Id<Tag, T>> {
    std::size_t operator()(causeway::Id<Tag, T> id) const noexcept { return id.value(); }
};
template <>
struct std::hash<causeway::Ipv4Address> {
    std::size_t operator()(causeway::Ipv4Address a) const noexcept {
        return a.value() * std::size_t{0x9e3779b97f4a7c15};
    }
};
template <>
struct std::hash<causeway::Ipv6Address> {
    std::size_t operator()(causeway::Ipv6Address a) const noexcept {
        return (a.high() * std::size_t{0x9e3779b97f4a7c15}) ^
               (a.low() * std::size_t{0xc2b2ae3d27d4eb4f});
    }
};
template <class Address>
struct std::hash<causeway::Prefix<Address>> {
    std::size_t operator()(causeway::Prefix<Address> p) const noexcept {
        return (std::hash<Address>()(p.address()) ^ static_cast<std::size_t>(p.length())) *
               std::size_t{0xff51afd7ed558ccd};
    }
};
