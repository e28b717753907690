// SPDX-License-Identifier: Apache-2.0
//
// What bfdd and we say to each other, for tests.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "control/bfddp/bfddp_messages.h"
#include "control/bfddp/session_map.h"

namespace causeway::test {

using BfddpBytes = std::vector<std::uint8_t>;

inline BfddpBytes bytes_of(const BfddpMessage& message) {
    BfddpBytes bytes;
    write_bfddp(message, bytes);
    return bytes;
}

struct ReadAll {
    std::vector<BfddpMessage> messages;
    std::vector<BfddpEvent> events;
};

inline ReadAll read_all(BfddpReader& reader) {
    ReadAll all;
    while (const auto next = reader.next()) {
        if (const auto* message = std::get_if<BfddpMessage>(&*next)) {
            all.messages.push_back(*message);
        } else {
            all.events.push_back(std::get<BfddpEvent>(*next));
        }
    }
    return all;
}

inline ReadAll read_all(const BfddpBytes& bytes) {
    BfddpReader reader;
    reader.append(bytes);
    return read_all(reader);
}

inline BfddpSession session(std::uint32_t id, std::uint32_t host = 1) {
    return {.id = BfddpSessionId(id),
            .local = Ipv4Address(0x0a00'0000U + host * 4 + 2),
            .remote = Ipv4Address(0x0a00'0000U + host * 4 + 1),
            .interface = "edge" + std::to_string(host)};
}

// Runs nothing: a session is in the state that the test gives it.
class FakeHost final : public BfdHost {
  public:
    Result<BfdDiscriminator> open(const BfddpSession& opened) override {
        if (sessions.size() >= sessions_max) return Unexpected(ErrorCode::kFull, "full");
        const BfdDiscriminator ours(next_++);
        sessions[ours] = {opened, BfdState::kDown};
        return ours;
    }
    Result<BfdDiscriminator> update(BfdDiscriminator ours, const BfddpSession& updated) override {
        while (replaced_.contains(ours)) ours = replaced_.at(ours);
        sessions.at(ours).first = updated;
        return ours;
    }
    void close(BfdDiscriminator ours) override { EXPECT_EQ(sessions.erase(ours), 1U); }
    [[nodiscard]] BfddpState state(BfdDiscriminator ours) const override {
        return {.state = sessions.at(ours).second, .remote = ours};
    }
    // As a new configuration does: another session in its place, which begins anew.
    void replace(BfdDiscriminator ours) {
        const BfdDiscriminator other(next_++);
        sessions[other] = {sessions.at(ours).first, BfdState::kDown};
        sessions.erase(ours);
        replaced_[ours] = other;
    }
    [[nodiscard]] BfdTraffic traffic(BfdDiscriminator ours) const override {
        return {.rx_packets = ours.value()};
    }

    using Sessions = std::map<BfdDiscriminator, std::pair<BfddpSession, BfdState>>;
    Sessions sessions;
    std::size_t sessions_max = 1'000;

  private:
    std::uint32_t next_ = 1;
    std::map<BfdDiscriminator, BfdDiscriminator> replaced_;
};

}  // namespace causeway::test
