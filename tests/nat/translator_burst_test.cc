// SPDX-License-Identifier: Apache-2.0
//
// A burst is translated in steps that all its packets take together; it must end as they do one by
// one, and leave the same sessions and events. Two NATs of the same secrets see the same packets,
// one of them in bursts.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <span>
#include <tuple>
#include <vector>

#include "base/limits.h"
#include "nat/translator.h"
#include "tests/nat/ipv4_packets.h"
#include "tests/nat/nat_workers.h"
#include "tests/support/seed.h"

namespace causeway {
namespace {

using test::Bytes;
using test::kPool;
using test::NatWorkers;

constexpr Endpoint kPublished{Ipv4Address(0xc63364c8), 80};  // 198.51.100.200
constexpr NatPoolId kUnknownPool{9};
// What is no whole packet of a flow is translated after the rest of its burst.
constexpr std::size_t kPlain = 52;
constexpr NatSeconds kAllOver = 100'000;

struct Given {
    Bytes packet;
    NatPoolId pool;  // of what comes from inside
};
struct Ended {
    NatResult result;
    Bytes packet;
    bool operator==(const Ended& other) const {
        return result.outcome == other.result.outcome && packet == other.packet &&
               (result.outcome != NatOutcome::kHandOver ||
                (result.worker == other.result.worker && result.stage == other.result.stage));
    }
};

// Few hosts, ports and remotes, so that flows meet themselves and each other.
class Traffic {
  public:
    explicit Traffic(test::SeededRandom& random) : random_(random) {}

    Given plain() {
        const NatPoolId pool = random_.below(64) == 0 ? kUnknownPool : kPool;
        if (!turned_back_.empty() && random_.below(4) == 0) {
            const auto [from, to, protocol] = turned_back_.back();
            if (protocol == kUdp) return {test::udp(to, from), pool};
            return {test::tcp(to, from, random_.below(4) == 0 ? test::kRst : test::kSyn), pool};
        }
        if (random_.below(3) != 0) return {test::udp(inside(), remote(NatProtocol::kUdp)), pool};
        constexpr std::array kFlags{test::kSyn, test::kSyn, test::kAck, test::kFinAck, test::kRst};
        return {
            test::tcp(inside(), remote(NatProtocol::kTcp), kFlags[random_.below(kFlags.size())]),
            pool};
    }
    Given other() {
        if (random_.below(2) == 0) {
            return {test::echo(inside(), {far().address, 0}, test::kEchoRequest), kPool};
        }
        return {test::fragments_of(test::udp(inside(), far(), 40), 24).front(), kPool};
    }
    // To what left, from whom it was sent to, from others, and to nobody.
    Given from_outside() {
        const Endpoint from = random_.below(4) == 0 ? stranger() : far();
        if (random_.below(8) == 0) return {test::udp(from, kPublished), {}};
        if (random_.below(3) != 0) return {test::udp(from, left(udp_)), {}};
        constexpr std::array kFlags{test::kSynAck, test::kSyn, test::kAck, test::kFinAck,
                                    test::kRst};
        return {test::tcp(from, left(tcp_), kFlags[random_.below(kFlags.size())]), {}};
    }
    // A packet that left: others may turn back to where it came from.
    void note(const Bytes& packet) {
        if (packet[kProtocolAt] == kTcp) tcp_.push_back(test::source_of(packet));
        if (packet[kProtocolAt] == kUdp) udp_.push_back(test::source_of(packet));
        const Endpoint to = test::destination_of(packet);
        if (to.address.value() >> 24 == 10) {
            turned_back_.push_back({test::source_of(packet), to, packet[kProtocolAt]});
        }
    }
    void forget() {
        tcp_.clear();
        udp_.clear();
        turned_back_.clear();
    }

  private:
    static constexpr std::size_t kProtocolAt = 9;
    static constexpr std::uint8_t kTcp = 6;
    static constexpr std::uint8_t kUdp = 17;

    Endpoint inside() {
        return {Ipv4Address(0x0a000001U + static_cast<std::uint32_t>(random_.below(6))),
                static_cast<std::uint16_t>(40'000 + random_.below(60))};
    }
    Endpoint far() {
        return {Ipv4Address(0x0d6b0201U + static_cast<std::uint32_t>(random_.below(3))), 443};
    }
    Endpoint stranger() {
        return {Ipv4Address(0x0d6b0301U + static_cast<std::uint32_t>(random_.below(8))),
                static_cast<std::uint16_t>(5'000 + random_.below(4))};
    }
    Endpoint left(const std::vector<Endpoint>& outsides) {
        if (outsides.empty() || random_.below(16) == 0) return {kPublished.address, 81};
        const std::size_t last = std::min<std::size_t>(outsides.size(), 60);
        return outsides[outsides.size() - 1 - random_.below(last)];
    }
    Endpoint remote(NatProtocol protocol) {
        const std::vector<Endpoint>& outsides = protocol == NatProtocol::kTcp ? tcp_ : udp_;
        if (!outsides.empty() && random_.below(5) == 0) {
            const std::size_t last = std::min<std::size_t>(outsides.size(), 40);
            return outsides[outsides.size() - 1 - random_.below(last)];
        }
        return random_.below(20) == 0 ? kPublished : far();
    }

    test::SeededRandom& random_;
    std::vector<Endpoint> tcp_;  // public endpoints, by protocol
    std::vector<Endpoint> udp_;
    // What came to another host of the inside, which may answer.
    struct TurnedBack {
        Endpoint from;
        Endpoint to;
        std::uint8_t protocol;
    };
    std::vector<TurnedBack> turned_back_;
};

void translate(NatDirection direction, NatWorkers& nat, Translator& translator,
               std::span<const NatPacket> packets, std::span<NatResult> results) {
    if (direction == NatDirection::kOutbound) {
        translator.outbound(packets, results, nat.statics, nat.now);
    } else {
        translator.inbound(packets, results, nat.statics, nat.now);
    }
    translator.take_fragments();
}

std::vector<Ended> send_together(NatDirection direction, NatWorkers& nat, Translator& translator,
                                 std::span<const Given> burst) {
    std::vector<Ended> ended;
    std::vector<NatPacket> packets;
    for (const Given& given : burst) ended.push_back({.result = {}, .packet = given.packet});
    for (std::size_t k = 0; k < burst.size(); ++k) {
        packets.push_back({.bytes = ended[k].packet.data(),
                           .size = static_cast<std::uint16_t>(ended[k].packet.size()),
                           .pool = burst[k].pool});
    }
    std::vector<NatResult> results(burst.size());
    translate(direction, nat, translator, packets, results);
    for (std::size_t k = 0; k < burst.size(); ++k) ended[k].result = results[k];
    return ended;
}

// What a NAT knows and has told, in an order of its own.
struct Known {
    using SessionRow = std::tuple<std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t,
                                  NatSeconds, NatSeconds, std::uint32_t, std::uint8_t>;
    using EventRow = std::tuple<std::uint64_t, std::uint64_t, std::uint64_t, NatSeconds,
                                std::uint32_t, std::uint16_t, NatEventKind, NatProtocol>;
    std::vector<SessionRow> sessions;
    std::vector<EventRow> events;
    bool operator==(const Known&) const = default;
};

Known known_of(NatWorkers& nat) {
    Known known;
    for (const auto& translator : nat.translators) {
        const SessionTable& sessions = translator->sessions();
        for (std::uint32_t i = 1; i <= sessions.sessions_max(); ++i) {
            const auto at = sessions.read(i);
            if (!at) continue;
            known.sessions.emplace_back(at->inside.addresses, at->inside.rest,
                                        at->outside.addresses, at->outside.rest, at->deadline,
                                        at->created, at->mapping, at->state);
        }
    }
    for (const NatEvent& event : nat.take_events()) {
        const auto bits = [](Endpoint endpoint) {
            return std::uint64_t{endpoint.address.value()} << 16 | endpoint.port;
        };
        known.events.emplace_back(bits(event.inside), bits(event.outside), bits(event.remote),
                                  event.at, event.pool.value(), event.ports, event.kind,
                                  event.protocol);
    }
    std::ranges::sort(known.sessions);
    std::ranges::sort(known.events);
    return known;
}

struct Case {
    std::size_t workers;
    StaticMappings statics;
};

// Returns how many packets of bursts were translated, and how many were not.
std::array<std::size_t, 2> compare(const Case& which) {
    test::SeededRandom random;
    // A block a host: its ports run out, too.
    const NatPoolSettings settings{.block_ports = 64, .host_blocks_max = 1};
    NatWorkers alone(settings, which.workers);
    NatWorkers together(settings, which.workers);
    alone.statics = which.statics;
    together.statics = which.statics;
    Traffic traffic(random);
    std::array<std::size_t, 2> ended{};
    for (std::size_t round = 0; round < test::rounds(400); ++round) {
        const std::size_t worker = random.below(which.workers);
        const NatDirection direction =
            random.below(3) == 0 ? NatDirection::kInbound : NatDirection::kOutbound;
        std::vector<Given> burst;
        std::vector<Ended> one_by_one;
        for (std::size_t k = 0; k < kBurstSizeMax; ++k) {
            burst.push_back(direction == NatDirection::kInbound ? traffic.from_outside()
                            : k < kPlain                        ? traffic.plain()
                                                                : traffic.other());
            const std::span<const Given> one(&burst.back(), 1);
            one_by_one.push_back(
                send_together(direction, alone, *alone.translators[worker], one).front());
            const bool is_translated = one_by_one.back().result.outcome == NatOutcome::kTranslated;
            if (is_translated && direction == NatDirection::kOutbound) {
                traffic.note(one_by_one.back().packet);
            }
            ++ended[is_translated ? 0 : 1];
        }
        const auto at_once =
            send_together(direction, together, *together.translators[worker], burst);
        for (std::size_t k = 0; k < kBurstSizeMax; ++k) {
            EXPECT_EQ(at_once[k], one_by_one[k]) << "packet " << k << " of round " << round;
        }
        EXPECT_TRUE(known_of(together) == known_of(alone)) << "after round " << round;
        if (::testing::Test::HasFailure()) return ended;
        // All that there is: those who have a session come first, so what turns back to a mapping
        // that ended, and that the same burst makes again, finds it only when it comes alone.
        const bool all_over = random.below(8) == 0;
        const NatSeconds seconds = all_over ? kAllOver : static_cast<NatSeconds>(random.below(3));
        alone.pass(seconds);
        together.pass(seconds);
        if (all_over) traffic.forget();
    }
    return ended;
}

TEST(TranslatorBurst, ends_as_its_packets_do_one_by_one) {
    const StaticMapping published{.pool = kPool,
                                  .protocol = NatProtocol::kUdp,
                                  .inside = {Ipv4Address(0x0a000001), 40'001},
                                  .outside = kPublished};
    for (const std::size_t workers : {1U, 2U}) {
        for (const StaticMappings& statics :
             {StaticMappings(), StaticMappings::create({&published, 1}).value()}) {
            const auto [translated, refused] = compare({workers, statics});
            EXPECT_GT(translated, 5'000U);
            EXPECT_GT(refused, 500U);
        }
    }
}

}  // namespace
}  // namespace causeway
