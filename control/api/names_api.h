// SPDX-License-Identifier: Apache-2.0
//
// NamesApi: what the control socket can ask about names: sets, policies, learned addresses.
//
// Thread safety: control thread only.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "acl/rule.h"
#include "base/result.h"
#include "base/types.h"
#include "control/api/page_request.h"

namespace causeway {

struct NameSetView {
    std::string name;
    std::size_t names = 0;  // and exceptions
    std::size_t payloads = 0;
    std::string_view state;          // "active", "compiling" or "failed"
    std::string error;               // of "failed"
    std::vector<std::string> rules;  // that speak of it: "internet-only cdn", "acl edge-in web"
};

struct NameRuleView {
    std::string policy;
    std::string name;
    std::vector<std::string> sets;
    AclAction action;
    std::string police;  // the class; empty: none
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;         // of layer 3
    std::vector<std::string> bound;  // where its policy is: "contoso/microsoft"
};

struct LearnedAddressView {
    struct Name {
        std::string name;
        std::uint64_t seconds = 0;  // that it is good for
    };
    std::string vrf;  // in which it was learned
    IpAddress address;
    bool is_past = false;  // its time is over; flows that it began go on
    std::vector<std::string> sets;
    std::vector<Name> names;
};

struct LearnedCursor {
    std::string vrf;
    IpAddress address;
    friend auto operator<=>(const LearnedCursor&, const LearnedCursor&) = default;
};

struct NameCount {
    std::string_view name;
    std::string_view meaning;
    std::uint64_t count = 0;
};

class NamesApi {
  public:
    virtual ~NamesApi() = default;

    // Cursor: the name.
    [[nodiscard]] virtual Page<NameSetView, std::string> sets(const PageRequest<std::string>&) = 0;
    // In order of policies, then as they are asked.
    [[nodiscard]] virtual std::vector<NameRuleView> rules() = 0;
    // Of one VRF, or of all; kNotFound where nobody asks for names in that one.
    [[nodiscard]] virtual Result<Page<LearnedAddressView, LearnedCursor>> addresses(
        const std::optional<std::string>& vrf, const PageRequest<LearnedCursor>&) = 0;
    [[nodiscard]] virtual std::vector<NameCount> counts() = 0;
};

}  // namespace causeway
