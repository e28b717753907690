// SPDX-License-Identifier: Apache-2.0
//
// NatConfig: what an operator says of the NAT of one Microsoft peering. docs/nat.md explains it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/types.h"
#include "nat/flow.h"
#include "nat/settings.h"

namespace causeway {

// An inside address or endpoint under a public one of its own.
struct NatStaticConfig {
    std::optional<NatProtocol> protocol;  // none: the whole address, and no ports
    Endpoint inside;
    Endpoint outside;
    std::optional<Link> link;  // of which pool it is, where each link has one
    friend bool operator==(const NatStaticConfig&, const NatStaticConfig&) = default;
};

// Packets that are not translated.
struct NatUntranslated {
    Ipv4Prefix source;  // all of them, if it is 0.0.0.0/0
    Ipv4Prefix destination;
    friend bool operator==(const NatUntranslated&, const NatUntranslated&) = default;
};

struct NatConfig {
    std::vector<Ipv4Prefix> inside;
    // Either one pool for both links, or one for each.
    std::vector<Ipv4Prefix> pool;
    std::vector<Ipv4Prefix> primary_pool;
    std::vector<Ipv4Prefix> secondary_pool;
    NatPoolSettings settings;
    unsigned alarm_percent = 80;  // of a pool's blocks
    std::vector<NatStaticConfig> statics;
    std::vector<NatUntranslated> untranslated;
    std::string untranslated_acl;  // what this list permits is not translated; empty: none

    [[nodiscard]] bool has_pool_per_link() const noexcept {
        return !primary_pool.empty() || !secondary_pool.empty();
    }
    [[nodiscard]] const std::vector<Ipv4Prefix>& pool_of(Link link) const noexcept {
        if (!has_pool_per_link()) return pool;
        return link == Link::kPrimary ? primary_pool : secondary_pool;
    }
    friend bool operator==(const NatConfig&, const NatConfig&) = default;
};

// Who had which public port is told to a file, to an IPFIX collector, or to both.
struct NatLogConfig {
    NatLogging events = NatLogging::kBlocks;
    std::string file;  // empty: none
    unsigned file_mib = 1'024;
    std::optional<Endpoint> collector;
    std::uint32_t observation_domain = 0;

    [[nodiscard]] bool is_on() const noexcept { return !file.empty() || collector; }
    friend bool operator==(const NatLogConfig&, const NatLogConfig&) = default;
};

// How large the tables are, of all NATs together, and what is kept outside of them. All of it is
// made once, when the first NAT is.
struct NatLimits {
    unsigned sessions = 1'000'000;
    unsigned mappings = 1'000'000;
    unsigned hosts = 65'536;
    unsigned alarm_percent = 80;  // of each of these tables
    std::string session_file;     // where sessions outlive the daemon; empty: nowhere
    std::optional<NatLogConfig> log;
    friend bool operator==(const NatLimits&, const NatLimits&) = default;
};

}  // namespace causeway
