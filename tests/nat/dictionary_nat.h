// SPDX-License-Identifier: Apache-2.0
//
// DictionaryNat: a NAT as the RFCs describe it and nothing else: dictionaries, one thread, no
// limits. It cannot know which port the real one chooses, so it is told, and says whether it may.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <set>
#include <utility>

#include "nat/settings.h"
#include "nat/tcp_state.h"

namespace causeway::test {

class DictionaryNat {
  public:
    struct Inside {
        NatProtocol protocol;
        Endpoint endpoint;
        friend auto operator<=>(const Inside&, const Inside&) = default;
    };
    using Outside = Inside;

    explicit DictionaryNat(const NatPoolSettings& settings) : settings_(settings) {}

    [[nodiscard]] bool has_session(Inside inside, Endpoint remote) const {
        return sessions_.contains({inside, remote});
    }
    [[nodiscard]] std::optional<Endpoint> outside_of(Inside inside) const {
        const auto found = mappings_.find(inside);
        if (found == mappings_.end()) return std::nullopt;
        return found->second;
    }
    [[nodiscard]] std::optional<Inside> inside_of(Outside outside) const {
        const auto found = owners_.find(outside);
        if (found == owners_.end()) return std::nullopt;
        return found->second;
    }
    // Whether filtering lets the remote in.
    [[nodiscard]] bool lets_in(Inside inside, Endpoint remote) const {
        if (settings_.filtering == NatFiltering::kEndpointIndependent) return true;
        const auto from = sessions_.lower_bound({inside, {remote.address, 0}});
        return from != sessions_.end() && from->first.first == inside &&
               from->first.second.address == remote.address;
    }
    [[nodiscard]] std::size_t sessions_of(Ipv4Address host) const {
        std::size_t count = 0;
        for (const auto& [key, session] : sessions_) count += key.first.endpoint.address == host;
        return count;
    }

    // The real one has begun a flow with this public endpoint.
    void begin(Inside inside, Endpoint remote, Endpoint outside, NatDirection direction,
               NatSeconds now) {
        const auto [mapping, is_new] = mappings_.try_emplace(inside, outside);
        EXPECT_EQ(mapping->second, outside) << "RFC 4787 REQ-1";
        if (is_new) {
            EXPECT_TRUE(owners_.try_emplace({inside.protocol, outside}, inside).second)
                << "RFC 4787 REQ-3";
        }
        NatState state = NatState::kUdp;
        if (inside.protocol == NatProtocol::kIcmp) state = NatState::kIcmp;
        if (inside.protocol == NatProtocol::kTcp) {
            state = direction == NatDirection::kOutbound ? NatState::kInsideInit
                                                         : NatState::kOutsideInit;
        }
        sessions_[{inside, remote}] = {state, now + timeout(settings_.timers, state)};
    }
    void pass(Inside inside, Endpoint remote, NatDirection direction, std::uint8_t flags,
              NatSeconds now) {
        Session& session = sessions_.at({inside, remote});
        const bool is_outbound = direction == NatDirection::kOutbound;
        const NatState before = session.state;
        session.state = is_outbound ? next_state<NatDirection::kOutbound>(before, flags)
                                    : next_state<NatDirection::kInbound>(before, flags);
        const bool may = is_outbound || settings_.refresh == NatRefresh::kBothWays;
        if (before != session.state || (may && refreshes(session.state, flags))) {
            session.deadline = now + timeout(settings_.timers, session.state);
        }
    }
    void expire(NatSeconds now) {
        std::set<Inside> live;
        for (auto at = sessions_.begin(); at != sessions_.end();) {
            if (at->second.deadline <= now) {
                at = sessions_.erase(at);
            } else {
                live.insert(at->first.first);
                ++at;
            }
        }
        for (auto at = mappings_.begin(); at != mappings_.end();) {
            if (live.contains(at->first)) {
                ++at;
                continue;
            }
            owners_.erase({at->first.protocol, at->second});
            at = mappings_.erase(at);
        }
    }
    [[nodiscard]] std::size_t sessions() const { return sessions_.size(); }
    [[nodiscard]] const std::map<Inside, Endpoint>& mappings() const { return mappings_; }

  private:
    struct Session {
        NatState state;
        NatSeconds deadline;
    };
    NatPoolSettings settings_;
    std::map<Inside, Endpoint> mappings_;
    std::map<Outside, Inside> owners_;
    std::map<std::pair<Inside, Endpoint>, Session> sessions_;
};

}  // namespace causeway::test
