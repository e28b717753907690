// SPDX-License-Identifier: Apache-2.0
//
// PolicyApi: the part of RouterApi that is about policy: access lists and their counters, policers,
// peaks. Plain values in the operator's words, as in views.h.
//
// Thread safety: control thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "acl/match.h"
#include "acl/packet_view.h"
#include "base/result.h"
#include "base/types.h"
#include "control/api/page_request.h"

namespace causeway {

enum class AclViewState : std::uint8_t {
    kActive,    // as the configuration has it
    kBuilding,  // what was there before is in force meanwhile
    kFailed,    // what was there before stays
};

struct AclView {
    std::string name;
    AclViewState state = AclViewState::kActive;
    std::string error;  // of kFailed
    std::size_t rules = 0;
    std::size_t idle_rules = 0;      // that change nothing
    std::uint64_t packets = 0;       // that it has judged
    std::uint64_t bytes = 0;         // of layer 3
    std::vector<std::string> bound;  // "contoso/microsoft in"
};

struct AclRuleView {
    std::size_t index = 0;  // that of `otherwise` is the number of rules
    std::string name;       // empty: `otherwise`
    std::string match;      // in the words of the document; empty: every packet
    AclAction action;
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;
    std::string remark;  // "shadowed by all-of-ten"; or empty
};

// Which rule a packet hits, and why those before did not. Of many, the last before the hit.
struct AclExplanationView {
    struct Miss {
        std::string rule;
        std::vector<std::string_view> fields;  // that do not match
    };
    std::vector<Miss> misses;
    std::size_t misses_unlisted = 0;
    std::optional<std::string> hit;  // none: `otherwise`
    AclAction action;
    AclViewState state = AclViewState::kActive;
};

struct PolicerView {
    // "contoso/private/primary in"; "contoso/primary in expedited"; "class video"
    std::string name;
    std::uint64_t bits_per_second = 0;
    std::uint64_t burst_bytes = 0;
    unsigned tolerance_percent = 0;
    bool is_held = true;  // to the rate itself, not to what is tolerated
    std::uint64_t dropped_packets = 0;
    std::uint64_t dropped_bytes = 0;
};

// The most that an attachment has carried within a millisecond, and within ten, as rates.
struct PeakView {
    std::string name;  // the attachment's
    std::uint64_t rx_1ms_bps = 0;
    std::uint64_t rx_10ms_bps = 0;
    std::uint64_t tx_1ms_bps = 0;
    std::uint64_t tx_10ms_bps = 0;
};

class PolicyApi {
  public:
    virtual ~PolicyApi() = default;

    // Cursor: the name.
    [[nodiscard]] virtual Page<AclView, std::string> acls(const PageRequest<std::string>&) = 0;
    // In order; cursor: the index of the last.
    [[nodiscard]] virtual Result<Page<AclRuleView, std::size_t>> acl_rules(
        std::string_view acl, const PageRequest<std::size_t>&) = 0;
    // A list that asks for names is asked as the VRF's resolvers have taught; none given: that in
    // which it is bound. kInvalid where it is not bound there, or in several.
    [[nodiscard]] virtual Result<AclExplanationView> explain_acl(
        std::string_view acl, const AclPacket& packet, const std::optional<std::string>& vrf) = 0;
    [[nodiscard]] virtual Page<PolicerView, std::string> policers(
        const PageRequest<std::string>&) = 0;
    // Since the last reset_peaks(), or since the attachment is there.
    [[nodiscard]] virtual Page<PeakView, std::string> peaks(const PageRequest<std::string>&) = 0;
    virtual void reset_peaks() = 0;
};

}  // namespace causeway
