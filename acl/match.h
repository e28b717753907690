// SPDX-License-Identifier: Apache-2.0
//
// What a list means: rule by rule, field by field, slowly. The classifier is tested against this.
//
// A rule that names a field of layer 4 (ports, ICMP, TCP flags) matches only a packet that shows
// that field: never a later fragment, nor a packet that ends before it. Port 0 names no application
// (RFC 6335 6), and no rule that names ports matches it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "acl/packet_view.h"
#include "acl/rule.h"

namespace causeway {

enum class AclField : std::uint8_t {
    kSource,
    kDestination,
    kProtocol,
    kSourcePorts,
    kDestinationPorts,
    kIcmp,
    kTcpFlags,
    kDscp,
    kFragments,
    kSourceNames,
    kDestinationNames,
};
[[nodiscard]] std::string_view to_string(AclField field) noexcept;  // as a document spells it

// The first field, in the order above, that keeps the packet from matching; none: it matches.
// REQUIRES: the sets that the rule names exist.
[[nodiscard]] std::optional<AclField> first_mismatch(const AclRule& rule, const AclSets& sets,
                                                     const AclPacket& packet);

// Index of the first rule that matches; none: the list's `otherwise` decides.
[[nodiscard]] std::optional<std::size_t> first_match(const Acl& acl, const AclSets& sets,
                                                     const AclPacket& packet);

// Which rule a packet hits, and why each one before did not.
struct AclExplanation {
    struct Miss {
        std::size_t rule = 0;
        std::vector<AclField> fields;  // all of them that do not match
    };
    std::vector<Miss> misses;
    std::optional<std::size_t> hit;
    AclAction action;
};
[[nodiscard]] AclExplanation explain(const Acl& acl, const AclSets& sets, const AclPacket& packet);

}  // namespace causeway
