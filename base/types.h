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
using NextHopId = Id<struct NextHopTag, std::uint32_t>;      // a gateway: (attachment, address)
using GroupId = Id<struct GroupTag, std::uint16_t>;          // what a route points at
using AdjacencyId = Id<struct AdjacencyTag, std::uint16_t>;  // what a frame needs to leave

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
    constexpr Ipv4Address() noexcept = default;
    constexpr explicit Ipv4Address(std::uint32_t value) noexcept : value_(value) {}
    [[nodiscard]] constexpr std::uint32_t value() const noexcept { return value_; }
    friend constexpr auto operator<=>(Ipv4Address, Ipv4Address) = default;

  private:
    std::uint32_t value_ = 0;
};

// A prefix without host bits. Ordered by address, then by length: a prefix stands before all it
// covers.
class Ipv4Prefix {
  public:
    constexpr Ipv4Prefix() noexcept = default;  // 0.0.0.0/0
    [[nodiscard]] static constexpr std::optional<Ipv4Prefix> from(Ipv4Address address,
                                                                  int length) noexcept {
        if (length < 0 || length > 32) return std::nullopt;
        if ((address.value() & ~mask_of(length)) != 0) return std::nullopt;
        return Ipv4Prefix(address, static_cast<std::uint8_t>(length));
    }
    // The prefix of this length that holds the address.
    [[nodiscard]] static constexpr Ipv4Prefix of(Ipv4Address address, int length) noexcept {
        return {Ipv4Address(address.value() & mask_of(length)), static_cast<std::uint8_t>(length)};
    }
    [[nodiscard]] static constexpr std::uint32_t mask_of(int length) noexcept {
        return length == 0 ? 0U : ~0U << (32 - length);
    }
    [[nodiscard]] constexpr Ipv4Address address() const noexcept { return address_; }
    [[nodiscard]] constexpr int length() const noexcept { return length_; }
    [[nodiscard]] constexpr std::uint32_t mask() const noexcept { return mask_of(length_); }
    [[nodiscard]] constexpr Ipv4Address first() const noexcept { return address_; }
    [[nodiscard]] constexpr Ipv4Address last() const noexcept {
        return Ipv4Address(address_.value() | ~mask());
    }
    [[nodiscard]] constexpr bool contains(Ipv4Address a) const noexcept {
        return (a.value() & mask()) == address_.value();
    }
    [[nodiscard]] constexpr bool contains(Ipv4Prefix other) const noexcept {
        return other.length_ >= length_ && contains(other.address_);
    }
    [[nodiscard]] constexpr bool overlaps(Ipv4Prefix other) const noexcept {
        return contains(other) || other.contains(*this);
    }
    friend constexpr auto operator<=>(Ipv4Prefix, Ipv4Prefix) = default;

  private:
    constexpr Ipv4Prefix(Ipv4Address address, std::uint8_t length) noexcept
        : address_(address), length_(length) {}
    Ipv4Address address_;
    std::uint8_t length_ = 0;
};
static_assert(sizeof(Ipv4Prefix) == 8);

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
