// SPDX-License-Identifier: Apache-2.0
//
// Any bytes from bfdd, in pieces whose sizes they choose: what is read survives being written, and
// each session of the host's is opened and closed once.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <vector>

#include "base/check.h"
#include "control/bfddp/bfddp_messages.h"
#include "control/bfddp/session_map.h"

namespace causeway {
namespace {

class CheckingHost final : public BfdHost {
  public:
    Result<BfdDiscriminator> open(const BfddpSession& session) override {
        CHECK(session.path == BfddpPath::kOneHop && session.parameters.multiplier != 0);
        if (open_.size() == 8) return Unexpected(ErrorCode::kFull, "full");
        return *open_.insert(BfdDiscriminator(++last_)).first;
    }
    Result<BfdDiscriminator> update(BfdDiscriminator ours, const BfddpSession&) override {
        CHECK(open_.contains(ours));
        return ours;
    }
    void close(BfdDiscriminator ours) override { CHECK(open_.erase(ours) == 1); }
    [[nodiscard]] BfddpState state(BfdDiscriminator ours) const override {
        CHECK(open_.contains(ours));
        return {.remote = ours};
    }
    [[nodiscard]] BfdTraffic traffic(BfdDiscriminator ours) const override {
        CHECK(open_.contains(ours));
        return {};
    }
    [[nodiscard]] std::size_t size() const { return open_.size(); }

  private:
    std::set<BfdDiscriminator> open_;
    std::uint32_t last_ = 0;
};

void check_roundtrip(const BfddpMessage& message) {
    std::vector<std::uint8_t> bytes;
    write_bfddp(message, bytes);
    BfddpReader reader;
    reader.append(bytes);
    const auto again = reader.next();
    CHECK(again.has_value() && std::get<BfddpMessage>(*again) == message);
}

void run(std::span<const std::uint8_t> bytes) {
    CheckingHost host;
    BfddpCounters counters;
    BfddpSessionMap map(host, counters, {.quiet_ns = 1, .sweep_after_ns = 1});
    map.begin_connection(0);
    BfddpReader reader;
    while (!bytes.empty()) {
        const std::size_t size = std::min<std::size_t>(bytes.size(), 1 + bytes[0] % 64);
        reader.append(bytes.first(size));
        bytes = bytes.subspan(size);
        while (const auto next = reader.next()) {
            const auto* message = std::get_if<BfddpMessage>(&*next);
            if (message == nullptr) continue;
            check_roundtrip(*message);
            map.hear(*message, 0);
            CHECK(map.size() == host.size());
        }
    }
    // All that it said is in the protocol.
    BfddpReader said;
    said.append(map.output());
    while (const auto next = said.next()) CHECK(std::holds_alternative<BfddpMessage>(*next));
    map.begin_connection(2);
    map.hear(BfddpEcho{}, 2);
    map.tick(3);
    CHECK(map.size() == 0 && host.size() == 0);
}

}  // namespace
}  // namespace causeway

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    causeway::run({data, size});
    return 0;
}
