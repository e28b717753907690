// SPDX-License-Identifier: Apache-2.0
//
// From the text of one value to its type, and back where base/text.h does not do it. Each parser
// returns, instead of a value, a sentence that says what is wrong and what would be right.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/types.h"
#include "control/config/config.h"
#include "control/config/words.h"

namespace causeway {

// The words of an enum, in the order of the document's language.
template <class Enum, std::size_t Count>
class Words {
  public:
    struct Word {
        std::string_view text;
        Enum value;
    };
    constexpr explicit Words(const Word (&words)[Count]) {
        for (std::size_t i = 0; i < Count; ++i) {
            texts_[i] = words[i].text;
            values_[i] = words[i].value;
        }
    }
    [[nodiscard]] Result<Enum> operator()(std::string_view text) const {
        const auto found = std::ranges::find(texts_, text);
        if (found != texts_.end()) {
            return values_[static_cast<std::size_t>(found - texts_.begin())];
        }
        return Unexpected(ErrorCode::kInvalid,
                          "\"" + quotable(text) + "\" is not known" + suggestion(text, texts_));
    }
    [[nodiscard]] constexpr std::string_view name(Enum value) const {
        const auto found = std::ranges::find(values_, value);
        return texts_[static_cast<std::size_t>(found - values_.begin())];
    }

  private:
    std::array<std::string_view, Count> texts_{};
    std::array<Enum, Count> values_{};
};

inline constexpr Words<bool, 2> kFlags({{"true", true}, {"false", false}});
inline constexpr Words<PortRole, 2> kPortRoles({{"edge", PortRole::kEdge},
                                                {"core", PortRole::kCore}});
inline constexpr Words<PeeringType, 2> kPeeringTypes({{"private", PeeringType::kPrivate},
                                                      {"microsoft", PeeringType::kMicrosoft}});
inline constexpr Words<CircuitStatus, 2> kCircuitStatuses({{"Enabled", CircuitStatus::kEnabled},
                                                           {"Disabled", CircuitStatus::kDisabled}});
inline constexpr Words<ProviderState, 3> kProviderStates(
    {{"NotProvisioned", ProviderState::kNotProvisioned},
     {"Provisioning", ProviderState::kProvisioning},
     {"Provisioned", ProviderState::kProvisioned}});
// Routes that forward have "via" instead of an action.
inline constexpr Words<RouteAction, 3> kRouteActions({{"blackhole", RouteAction::kBlackhole},
                                                      {"unreachable", RouteAction::kUnreachable},
                                                      {"prohibit", RouteAction::kProhibit}});
inline constexpr Words<Tpid, 2> kTpids({{"0x8100", Tpid::kDot1q}, {"0x88a8", Tpid::kDot1ad}});

// A decimal number of the range, without sign or leading zeros.
struct NumberBetween {
    unsigned min;
    unsigned max;
    [[nodiscard]] Result<unsigned> operator()(std::string_view text) const;
};

[[nodiscard]] Result<std::string> parse_name(std::string_view text);         // a port, a circuit...
[[nodiscard]] Result<std::string> parse_service_key(std::string_view text);  // to lower case
[[nodiscard]] Result<std::string> parse_device(std::string_view text);
[[nodiscard]] Result<std::string> parse_socket(std::string_view text);
[[nodiscard]] Result<std::string> parse_directory(std::string_view text);
[[nodiscard]] Result<std::string> parse_group(std::string_view text);
[[nodiscard]] Result<std::string> parse_namespace(std::string_view text);  // of the network
[[nodiscard]] Result<std::string> parse_interface(std::string_view text);
[[nodiscard]] Result<std::string> parse_argument(std::string_view text);
[[nodiscard]] Result<unsigned> parse_descriptors(std::string_view text);
[[nodiscard]] Result<VlanId> parse_vlan_id(std::string_view text);
[[nodiscard]] Result<std::uint32_t> parse_peer_asn(std::string_view text);
[[nodiscard]] Result<std::uint64_t> parse_bandwidth(std::string_view text);  // bits a second
[[nodiscard]] std::string bandwidth_text(std::uint64_t bandwidth_bps);

// How messages and documents speak of a family.
template <class Address>
struct FamilyWords;
template <>
struct FamilyWords<Ipv4Address> {
    static constexpr std::string_view kName = "IPv4";
    static constexpr std::string_view kAddress = "10.2.0.9";
    static constexpr std::string_view kPrefix = "10.1.0.0/16";
    static constexpr std::string_view kLinkSubnet = "192.168.15.16/30";
    static constexpr std::string_view kBothSubnet = "192.168.15.16/29";
    static constexpr std::string_view kPrimaryKey = "primary-subnet";
    static constexpr std::string_view kSecondaryKey = "secondary-subnet";
    static constexpr std::string_view kBothKey = "subnet";
};
template <>
struct FamilyWords<Ipv6Address> {
    static constexpr std::string_view kName = "IPv6";
    static constexpr std::string_view kAddress = "2001:db8:2::9";
    static constexpr std::string_view kPrefix = "2001:db8:1::/48";
    static constexpr std::string_view kLinkSubnet = "2001:db8:15::8/126";
    static constexpr std::string_view kBothSubnet = "2001:db8:15::8/125";
    static constexpr std::string_view kPrimaryKey = "primary-ipv6-subnet";
    static constexpr std::string_view kSecondaryKey = "secondary-ipv6-subnet";
    static constexpr std::string_view kBothKey = "ipv6-subnet";
};

// The length of a link's subnet, and of the one that holds those of both links.
template <class Address>
inline constexpr int kLinkSubnetLength = Address::kBits - 2;
template <class Address>
inline constexpr int kBothSubnetLength = Address::kBits - 3;

// Of the family that the text looks like.
[[nodiscard]] Result<IpAddress> parse_address(std::string_view text);
[[nodiscard]] Result<IpPrefix> parse_prefix(std::string_view text);
// Of Ipv4Address or Ipv6Address.
template <class Address>
[[nodiscard]] Result<Prefix<Address>> parse_prefix_of(std::string_view text);

// An address of ours with the length of its network: 10.2.0.1/24 (/8 to /30), or 2001:db8:2::1/64
// (/64 to /127).
[[nodiscard]] Result<InterfaceAddress<Ipv4Address>> parse_ipv4_interface(std::string_view text);
[[nodiscard]] Result<InterfaceAddress<Ipv6Address>> parse_ipv6_interface(std::string_view text);

// The interface or device that a device string opens, for telling two that open the same.
[[nodiscard]] std::string device_identity(std::string_view device);

}  // namespace causeway
