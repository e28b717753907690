// SPDX-License-Identifier: Apache-2.0
//
// Several workers' NAT behind one device: gives each packet to the worker that the device's hash
// names, carries what is handed over, and keeps what is held.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "nat/session_file.h"
#include "nat/translator.h"
#include "tests/nat/ipv4_packets.h"
#include "tests/nat/nat_bed.h"

namespace causeway::test {

class NatWorkers {
  public:
    struct Sent {
        NatOutcome outcome;          // of the packet itself
        std::vector<Bytes> leaving;  // it, and fragments that waited for it
        int hand_overs = 0;
    };

    NatWorkers(const NatPoolSettings& settings, std::size_t workers,
               std::uint32_t sessions_max = 10'000, const MappingTable::Options& options = {},
               const SessionFile* file = nullptr)
        : bed(settings, workers, options) {
        for (std::size_t i = 0; i < workers; ++i) {
            rings_.push_back(std::make_unique<NatEventRing>());
            translators.push_back(
                std::move(Translator::create(*bed.mappings,
                                             {.worker = WorkerId(static_cast<std::uint8_t>(i)),
                                              .sessions_max = sessions_max,
                                              .session_lines = lines_of(file, i),
                                              .fragments = {.datagrams_max = 64, .held_max = 32},
                                              .secret = {i, 7},
                                              .now = now,
                                              .pages = PageSize::kSmall,
                                              .events = rings_.back().get(),
                                              .logging = NatLogging::kSessions})
                              .value()));
        }
    }

    Sent outbound(const Bytes& packet, NatPoolId pool = kPool) {
        return send(NatDirection::kOutbound, packet, pool);
    }
    Sent inbound(const Bytes& packet) { return send(NatDirection::kInbound, packet, NatPoolId()); }
    // Until every session that is over is gone.
    void pass(NatSeconds seconds) {
        now += seconds;
        for (auto& translator : translators) {
            while (translator->sessions().is_behind(now)) (void)translator->expire(now, 4);
            for (int i = 0; i < 8; ++i) (void)translator->expire(now, 0);  // all fragments
            drop_held(*translator);
        }
    }
    [[nodiscard]] std::size_t sessions() const {
        std::size_t count = 0;
        for (const auto& translator : translators) count += translator->sessions().size();
        return count;
    }
    [[nodiscard]] std::size_t held() const { return held_.size(); }
    // What the workers have told the log since the last call.
    [[nodiscard]] std::vector<NatEvent> take_events();

    MappingBed bed;
    NatSeconds now = 100;
    std::vector<std::unique_ptr<Translator>> translators;
    StaticMappings statics;

  private:
    struct Held {
        Bytes packet;
        NatPoolId pool;
        NatDirection stage;
    };
    [[nodiscard]] static std::span<Session> lines_of(const SessionFile* file, std::size_t worker) {
        if (file == nullptr) return {};
        return file->lines(static_cast<std::uint32_t>(worker));
    }
    Sent send(NatDirection direction, const Bytes& packet, NatPoolId pool);
    NatOutcome give(WorkerId worker, NatDirection stage, Bytes packet, NatPoolId pool, Sent& sent);
    void drop_held(Translator& translator);
    [[nodiscard]] WorkerId device_choice(const Bytes& packet) const;

    std::vector<std::unique_ptr<NatEventRing>> rings_;
    std::map<std::uint64_t, Held> held_;  // by handle
    std::uint64_t next_handle_ = 1;
};

}  // namespace causeway::test
