// SPDX-License-Identifier: Apache-2.0
//
// Several workers' NAT against a dictionary: random packets in both directions, hairpins, fragments
// and ICMP errors, while the clock jumps, the pool is too small, grows and shrinks. Every packet
// that leaves is compared byte by byte with one built from scratch.
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <tuple>

#include "tests/nat/dictionary_nat.h"
#include "tests/nat/ipv4_packets.h"
#include "tests/nat/nat_workers.h"
#include "tests/support/seed.h"

namespace causeway {
namespace {

using test::build;
using test::build_error;
using test::Bytes;
using test::DictionaryNat;
using test::fragments_of;
using test::kPool;
using test::kPublic;
using test::NatWorkers;
using test::PacketSpec;
using test::source_of;
using Inside = DictionaryNat::Inside;

Endpoint portless(NatProtocol protocol, Endpoint end) {
    if (protocol == NatProtocol::kIcmp) end.port = 0;
    return end;
}
bool begins(NatProtocol protocol, std::uint8_t kind) {
    if (protocol == NatProtocol::kTcp) return (kind & 0x17) == test::kSyn;
    return protocol == NatProtocol::kUdp || kind == 8;
}

// What somebody knows who reads the log and nothing else.
class EventLog {
  public:
    void read(const std::vector<NatEvent>& events) {
        for (const NatEvent& event : events) {
            const auto key = std::make_tuple(event.protocol, event.inside, event.remote);
            switch (event.kind) {
                case NatEventKind::kBlockLent:
                    EXPECT_TRUE(blocks_.emplace(event.outside, event).second);
                    break;
                case NatEventKind::kBlockReturned:
                    ASSERT_TRUE(blocks_.contains(event.outside));
                    EXPECT_EQ(blocks_[event.outside].inside, event.inside);
                    blocks_.erase(event.outside);
                    break;
                case NatEventKind::kSessionBegun:
                    EXPECT_TRUE(sessions_.emplace(key, event.outside).second);
                    break;
                case NatEventKind::kSessionEnded:
                    EXPECT_EQ(sessions_[key], event.outside);
                    sessions_.erase(key);
                    break;
            }
        }
    }
    [[nodiscard]] std::optional<Ipv4Address> host_of(Endpoint outside) const {
        auto block = blocks_.upper_bound(outside);
        if (block == blocks_.begin()) return std::nullopt;
        const NatEvent& event = (--block)->second;
        const bool holds = event.outside.address == outside.address &&
                           outside.port - event.outside.port < event.ports;
        return holds ? std::optional(event.inside.address) : std::nullopt;
    }
    [[nodiscard]] std::size_t sessions() const { return sessions_.size(); }
    [[nodiscard]] bool is_empty() const { return blocks_.empty() && sessions_.empty(); }

  private:
    std::map<Endpoint, NatEvent> blocks_;  // by address and first port
    std::map<std::tuple<NatProtocol, Endpoint, Endpoint>, Endpoint> sessions_;
};

class Play {
  public:
    Play(const NatPoolSettings& settings, std::size_t workers)
        : settings_(settings), nat_(settings, workers), model_(settings) {}

    void step() {
        switch (random_.below(10)) {
            case 0:
            case 1:
            case 2:
            case 3:
                return outbound(any_spec());
            case 4:
            case 5:
                return inbound();
            case 6:
                return random_.below(3) == 0 ? error_from_inside() : error_from_outside();
            case 7:
                return hairpin();
            case 8:
                if (random_.below(300) == 0) return change_pool();
                return random_.below(4) == 0 ? pass() : outbound(any_spec());
            default:
                return fragmented(any_spec());
        }
    }
    void end() {
        nat_.pass(100'000);
        EXPECT_EQ(nat_.sessions(), 0U);
        EXPECT_EQ(nat_.held(), 0U);
        EXPECT_EQ(nat_.bed.space->usage(kPool).blocks_lent, 0U);
        log_.read(nat_.take_events());
        EXPECT_TRUE(log_.is_empty());
    }
    [[nodiscard]] std::size_t translated() const { return translated_; }
    [[nodiscard]] std::size_t refused() const { return refused_; }

  private:
    PacketSpec any_spec() {
        static constexpr std::uint8_t kFlags[] = {test::kSyn,   test::kSyn,    test::kSyn,
                                                  test::kAck,   test::kFinAck, test::kRst,
                                                  test::kSynAck};
        PacketSpec spec;
        spec.protocol = static_cast<NatProtocol>(random_.below(3));
        spec.source = {Ipv4Address(0x0a000000 + static_cast<std::uint32_t>(random_.below(12))),
                       static_cast<std::uint16_t>(1 + random_.below(200))};
        spec.destination = portless(
            spec.protocol, {Ipv4Address(0x14000000 + static_cast<std::uint32_t>(random_.below(6))),
                            static_cast<std::uint16_t>(1 + random_.below(5))});
        if (spec.protocol == NatProtocol::kTcp) spec.kind = kFlags[random_.below(7)];
        if (spec.protocol == NatProtocol::kIcmp) spec.kind = random_.below(4) == 0 ? 0 : 8;
        spec.identification = ++identification_;
        spec.payload_bytes = random_.below(90);
        spec.has_checksum = random_.below(8) != 0;
        return spec;
    }

    // What becomes of a packet from inside; its public source if it leaves.
    std::optional<Endpoint> judge(const PacketSpec& spec, NatOutcome outcome, const Bytes* first) {
        const Inside inside{spec.protocol, spec.source};
        const bool has_session = model_.has_session(inside, spec.destination);
        if (!has_session && !begins(spec.protocol, spec.kind)) {
            EXPECT_EQ(outcome, NatOutcome::kMidFlow);
            return std::nullopt;
        }
        if (outcome != NatOutcome::kTranslated) {
            EXPECT_FALSE(has_session) << "old flows live";
            judge_refusal(inside, outcome);
            return std::nullopt;
        }
        const Endpoint outside = has_session ? *model_.outside_of(inside) : source_of(*first);
        log_.read(nat_.take_events());
        EXPECT_EQ(log_.host_of(outside), spec.source.address);
        if (has_session) {
            model_.pass(inside, spec.destination, NatDirection::kOutbound, tcp_flags(spec), now());
        } else {
            model_.begin(inside, spec.destination, outside, NatDirection::kOutbound, now());
        }
        ++translated_;
        return outside;
    }
    void judge_refusal(Inside inside, NatOutcome outcome) {
        ++refused_;
        const auto usage = nat_.bed.space->usage(kPool);
        switch (outcome) {
            case NatOutcome::kHostSessions:
                EXPECT_EQ(model_.sessions_of(inside.endpoint.address), settings_.host_sessions_max);
                break;
            case NatOutcome::kPoolExhausted:
                if (settings_.pairing == NatPairing::kPreferred) {
                    EXPECT_EQ(usage.blocks, usage.blocks_lent);
                }
                EXPECT_FALSE(model_.outside_of(inside).has_value());
                break;
            case NatOutcome::kHostPorts:
                EXPECT_FALSE(model_.outside_of(inside).has_value());
                break;
            default:
                ADD_FAILURE() << "outcome " << static_cast<int>(outcome);
        }
    }
    static std::uint8_t tcp_flags(const PacketSpec& spec) {
        return spec.protocol == NatProtocol::kTcp ? spec.kind : std::uint8_t{0};
    }

    void outbound(PacketSpec spec) {
        const auto sent = nat_.outbound(build(spec));
        const auto outside =
            judge(spec, sent.outcome, sent.leaving.empty() ? nullptr : &sent.leaving.front());
        if (!outside) return;
        spec.source = *outside;
        ASSERT_EQ(sent.leaving.size(), 1U);
        ASSERT_EQ(sent.leaving.front(), build(spec));
    }
    void fragmented(PacketSpec spec) {
        spec.payload_bytes += 40;
        const std::size_t piece = 24 + 8 * random_.below(3);
        auto sent = shuffled(fragments_of(build(spec), piece),
                             [this](const Bytes& fragment) { return nat_.outbound(fragment); });
        const auto is_first = [](const Bytes& bytes) {
            return (bytes[6] & 0x1f) == 0 && bytes[7] == 0;
        };
        const auto found = std::find_if(sent.leaving.begin(), sent.leaving.end(), is_first);
        const auto outside =
            judge(spec, sent.outcome, found == sent.leaving.end() ? nullptr : &*found);
        nat_.pass(0);
        if (!outside) {
            pass();  // what waits in vain is gone by then
            return;
        }
        spec.source = *outside;
        expect_equal(sent.leaving, fragments_of(build(spec), piece));
    }
    // In any order; the outcome is that of the first one.
    template <class Give>
    NatWorkers::Sent shuffled(std::vector<Bytes> fragments, Give&& give) {
        const Bytes first = fragments.front();
        std::shuffle(fragments.begin(), fragments.end(), random_);
        NatWorkers::Sent all{.outcome = NatOutcome::kHeld, .leaving = {}};
        for (const Bytes& fragment : fragments) {
            const NatWorkers::Sent sent = give(fragment);
            all.leaving.insert(all.leaving.end(), sent.leaving.begin(), sent.leaving.end());
            if (fragment == first) all.outcome = sent.outcome;
        }
        return all;
    }
    static void expect_equal(std::vector<Bytes> leaving, std::vector<Bytes> expected) {
        std::sort(leaving.begin(), leaving.end());
        std::sort(expected.begin(), expected.end());
        ASSERT_EQ(leaving, expected);
    }

    // To a mapping, or to a port that nobody has; whole or in pieces.
    void inbound() {
        PacketSpec spec = any_spec();
        std::swap(spec.source, spec.destination);
        spec.destination = {kPublic, static_cast<std::uint16_t>(1'024 + random_.below(60'000))};
        if (!model_.mappings().empty() && random_.below(8) != 0) {
            const auto& [inside, outside] = any_mapping();
            spec = retold(spec, inside.protocol);
            spec.destination = outside;
        }
        const auto inside = model_.inside_of({spec.protocol, spec.destination});
        if (random_.below(4) != 0) return judge_inbound(spec, inside, nat_.inbound(build(spec)));
        spec.payload_bytes += 40;
        const std::size_t piece = 24 + 8 * random_.below(3);
        const auto sent = shuffled(fragments_of(build(spec), piece), [this](const Bytes& fragment) {
            return nat_.inbound(fragment);
        });
        judge_inbound(spec, inside, sent, piece);
        nat_.pass(0);
        if (sent.outcome != NatOutcome::kTranslated) pass();  // as above
    }
    // `piece`: what each fragment has of layer 4, of a packet that is not whole.
    void judge_inbound(PacketSpec spec, std::optional<Inside> inside, const NatWorkers::Sent& sent,
                       std::optional<std::size_t> piece = {}) {
        if (!inside) {
            const bool is_absent = nat_.bed.space->find(spec.destination.address) == 0;
            EXPECT_EQ(sent.outcome, is_absent ? NatOutcome::kUntouched : NatOutcome::kNoMapping);
            return;
        }
        const Endpoint remote = spec.source;
        if (model_.has_session(*inside, remote)) {
            model_.pass(*inside, remote, NatDirection::kInbound, tcp_flags(spec), now());
        } else if (!begins(spec.protocol, spec.kind)) {
            EXPECT_EQ(sent.outcome, NatOutcome::kMidFlow);
            return;
        } else if (!model_.lets_in(*inside, remote)) {
            EXPECT_EQ(sent.outcome, NatOutcome::kFiltered);
            return;
        } else if (sent.outcome != NatOutcome::kTranslated) {
            EXPECT_EQ(sent.outcome, NatOutcome::kHostSessions);
            judge_refusal(*inside, sent.outcome);
            return;
        } else {
            model_.begin(*inside, remote, spec.destination, NatDirection::kInbound, now());
        }
        ++translated_;
        ASSERT_EQ(sent.outcome, NatOutcome::kTranslated);
        spec.destination = inside->endpoint;
        if (!piece) {
            ASSERT_EQ(sent.leaving.front(), build(spec));
        } else {
            expect_equal(sent.leaving, fragments_of(build(spec), *piece));
        }
    }
    PacketSpec retold(PacketSpec spec, NatProtocol protocol) {
        while (spec.protocol != protocol) {
            spec = any_spec();
            std::swap(spec.source, spec.destination);
        }
        return spec;
    }
    std::pair<Inside, Endpoint> any_mapping() {
        auto at = model_.mappings().begin();
        std::advance(at, random_.below(model_.mappings().size()));
        return *at;
    }

    void error_from_outside() {
        if (model_.mappings().empty()) return;
        const auto& [inside, outside] = any_mapping();
        PacketSpec spec = any_spec();
        while (spec.protocol != inside.protocol) spec = any_spec();
        spec.source = inside.endpoint;
        const bool is_known = model_.has_session(inside, spec.destination);
        const Bytes expected_quote = build(spec);
        spec.source = outside;
        const Ipv4Address router(0x0b000001);
        const std::size_t quoted = 28 + 2 * random_.below(20);  // no half words
        const auto sent = nat_.inbound(build_error(router, 11, build(spec), quoted));
        ASSERT_EQ(sent.outcome, is_known ? NatOutcome::kTranslated : NatOutcome::kIcmpUnmatched);
        if (!is_known) return;
        ASSERT_EQ(sent.leaving.front(), build_error(router, 11, expected_quote, quoted));
    }

    // Of an endpoint inside, about a packet that came to it.
    void error_from_inside() {
        if (model_.mappings().empty()) return;
        const auto& [inside, outside] = any_mapping();
        PacketSpec spec = any_spec();
        while (spec.protocol != inside.protocol) spec = any_spec();
        std::swap(spec.source, spec.destination);
        const bool is_known = model_.has_session(inside, spec.source);
        spec.destination = outside;
        const Bytes expected_quote = build(spec);
        spec.destination = inside.endpoint;
        const std::size_t quoted = 28 + 2 * random_.below(20);
        const auto sent =
            nat_.outbound(build_error(inside.endpoint.address, 3, build(spec), quoted));
        ASSERT_EQ(sent.outcome, is_known ? NatOutcome::kTranslated : NatOutcome::kIcmpUnmatched);
        if (!is_known) return;
        ASSERT_EQ(sent.leaving.front(), build_error(outside.address, 3, expected_quote, quoted));
    }

    // From a mapped endpoint to a mapped endpoint.
    void hairpin() {
        if (model_.mappings().empty()) return;
        const auto& [target, target_outside] = any_mapping();
        const auto& [inside, own_outside] = any_mapping();
        // An ICMP query and its answer have one identifier, so it cannot be both ends'.
        if (inside.protocol != target.protocol || target.protocol == NatProtocol::kIcmp) return;
        PacketSpec spec = any_spec();
        while (spec.protocol != target.protocol) spec = any_spec();
        spec.source = inside.endpoint;
        spec.destination = target_outside;
        const auto sent = nat_.outbound(build(spec));
        // What the way in refuses has come out; what the way out refuses has not.
        const bool has_session = model_.has_session(inside, spec.destination);
        const bool has_room =
            model_.sessions_of(inside.endpoint.address) < settings_.host_sessions_max;
        const bool comes_out = has_session || (begins(spec.protocol, spec.kind) && has_room);
        const NatOutcome out = comes_out ? NatOutcome::kTranslated : sent.outcome;
        const Bytes shown = build({.source = own_outside});
        if (!judge(spec, out, &shown)) return;
        spec.source = own_outside;
        judge_inbound(spec, target, sent);
    }

    void pass() {
        nat_.pass(static_cast<NatSeconds>(random_.below(20) == 0 ? random_.below(400)
                                                                 : random_.below(12)));
        model_.expire(now());
        ASSERT_EQ(nat_.sessions(), model_.sessions());
        log_.read(nat_.take_events());
        ASSERT_EQ(log_.sessions(), model_.sessions());
    }
    // A second address comes, or is drained and goes when it is empty.
    void change_pool() {
        const Ipv4Address second(kPublic.value() + 1);
        PortSpace& space = *nat_.bed.space;
        if (space.find(second) == 0) {
            ASSERT_TRUE(space.add_address(kPool, second).has_value());
        } else if (space.is_active(space.find(second))) {
            ASSERT_TRUE(space.drain(second).has_value());
        } else if (space.is_drained(second)) {
            ASSERT_TRUE(space.remove(second).has_value());
        }
    }
    [[nodiscard]] NatSeconds now() const { return nat_.now; }

    test::SeededRandom random_;
    std::uint16_t identification_ = 0;  // none twice while fragments may wait (RFC 6864 4.1)
    NatPoolSettings settings_;
    NatWorkers nat_;
    DictionaryNat model_;
    EventLog log_;
    std::size_t translated_ = 0;
    std::size_t refused_ = 0;
};

struct Case {
    std::size_t workers;
    NatPoolSettings settings;
};

class TranslatorProperty : public ::testing::TestWithParam<Case> {};

TEST_P(TranslatorProperty, does_what_a_dictionary_does) {
    Play play(GetParam().settings, GetParam().workers);
    // A few seeds meet a limit late.
    const std::size_t usual = test::rounds(30'000);
    for (std::size_t i = 0; i < usual || (play.refused() == 0 && i < 10 * usual); ++i) {
        play.step();
        if (::testing::Test::HasFailure()) {
            ADD_FAILURE() << "in step " << i;
            return;
        }
    }
    play.end();
    EXPECT_GT(play.translated(), 2'000U);
    EXPECT_GT(play.refused(), 0U) << "limits that are never met are not tested";
}

constexpr NatTimers kShort{.tcp_established = 500,
                           .tcp_opening = 30,
                           .tcp_closing = 20,
                           .udp = 100,
                           .icmp = 15,
                           .fragment = 5};

INSTANTIATE_TEST_SUITE_P(
    Cases, TranslatorProperty,
    ::testing::Values(Case{1, {.timers = kShort, .block_ports = 64, .host_blocks_max = 1}},
                      Case{2, {.timers = kShort, .block_ports = 64, .host_blocks_max = 1}},
                      Case{3, {.timers = kShort, .block_ports = 4'096, .host_sessions_max = 12}},
                      Case{4,
                           {.timers = kShort,
                            .filtering = NatFiltering::kAddressDependent,
                            .pairing = NatPairing::kStrict,
                            .refresh = NatRefresh::kOutboundOnly,
                            .block_ports = 64,
                            .host_blocks_max = 1}},
                      Case{8,
                           {.timers = kShort,
                            .filtering = NatFiltering::kAddressDependent,
                            .parity = NatParity::kIgnore,
                            .block_ports = 128,
                            .host_sessions_max = 12}}));

}  // namespace
}  // namespace causeway
