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
#include "control/config.h"
#include "control/config_words.h"

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
[[nodiscard]] Result<std::string> parse_group(std::string_view text);
[[nodiscard]] Result<std::string> parse_argument(std::string_view text);
[[nodiscard]] Result<unsigned> parse_descriptors(std::string_view text);
[[nodiscard]] Result<VlanId> parse_vlan_id(std::string_view text);
[[nodiscard]] Result<std::uint32_t> parse_peer_asn(std::string_view text);
[[nodiscard]] Result<std::uint64_t> parse_bandwidth(std::string_view text);  // bits a second
[[nodiscard]] std::string bandwidth_text(std::uint64_t bandwidth_bps);

[[nodiscard]] Result<Ipv4Address> parse_address(std::string_view text);
[[nodiscard]] Result<Ipv4Prefix> parse_prefix(std::string_view text);

// An address of ours with the length of its network, as in 10.2.0.1/24.
struct InterfaceAddress {
    Ipv4Address address;
    Ipv4Prefix subnet;
};
[[nodiscard]] Result<InterfaceAddress> parse_interface_address(std::string_view text);

// The interface or device that a device string opens, for telling two that open the same.
[[nodiscard]] std::string device_identity(std::string_view device);

}  // namespace causeway
