// SPDX-License-Identifier: Apache-2.0
//
// Access lists: the stage (images, classification, counters, verdicts) against bare rte_acl on the
// same rules and the same packets, pass by pass in turns; and the stage where nobody has a list.
// TSC cycles a packet. Rules are five-tuples: a source, a destination of /24 to /32, TCP or UDP, a
// range of ports; of the packets a percentage hits a rule, each as often as any other.
//
//   acl_bench        bare and stage are medians of the passes, ratio is of those two
#include <benchmark/benchmark.h>
#include <rte_cycles.h>
#include <rte_mbuf.h>

#include <algorithm>
#include <array>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/text.h"
#include "dataplane/acl_list.h"
#include "dataplane/stages/filter.h"
#include "tests/support/frame_builder.h"
#include "tests/support/test_bed.h"

namespace causeway::test {
namespace {

constexpr std::size_t kPackets = 4'096;
constexpr unsigned kBurst = 32;
constexpr std::size_t kTags = 22;
const AttachmentId kAttachment(100);

template <class Family>
IpPrefix random_prefix(std::mt19937& random) {
    const int longer = static_cast<int>(random() % 9);
    if constexpr (std::is_same_v<Family, Ipv4>) {
        return Ipv4Prefix::of(Ipv4Address(0x0a000000U | random() % (1U << 24)), 24 + longer);
    } else {
        const Ipv6Address address(0x2001'0db8'0000'0000U | random(), std::uint64_t{random()} << 32);
        return Ipv6Prefix::of(address, 56 + longer);
    }
}

template <class Family>
Acl random_rules(std::mt19937& random, std::size_t count) {
    Acl acl{.name = "bench", .rules = {}};
    acl.otherwise.verdict = AclVerdict::kPermit;
    for (std::size_t i = 0; i < count; ++i) {
        AclRule rule;
        rule.name = std::to_string(i);
        rule.source.prefixes = {random_prefix<Family>(random)};
        rule.destination.prefixes = {random_prefix<Family>(random)};
        rule.protocol = random() % 2 == 0 ? std::uint8_t{6} : std::uint8_t{17};
        const auto port = static_cast<std::uint16_t>(1 + random() % 60'000);
        rule.destination_ports.ranges = {
            {port, static_cast<std::uint16_t>(port + (random() % 2) * 1'000)}};
        acl.rules.push_back(std::move(rule));
    }
    return acl;
}

// A packet that this rule matches, or, for a miss, one from elsewhere.
std::vector<std::uint8_t> packet_for(const AclRule& rule, std::mt19937& random, unsigned hits) {
    FrameBuilder builder = frame().tags(10, 100);
    const bool is_hit = random() % 100 < hits;
    const auto first = [&](const AddressMatch& match) {
        return std::visit([](const auto& prefix) { return to_string(prefix.last()); },
                          match.prefixes.front());
    };
    const std::string source = first(rule.source);
    const std::string destination = first(rule.destination);
    const bool is_ipv6 = source.find(':') != std::string::npos;
    if (is_ipv6) {
        builder.ipv6(source, is_hit ? destination : "2001:db9::1");
    } else {
        builder.ipv4(source, is_hit ? destination : "192.0.2.1");
    }
    const auto port = static_cast<std::uint16_t>(1 + random() % 60'000);
    const std::uint16_t to = rule.destination_ports.ranges.front().first;
    if (rule.protocol == 6) {
        builder.tcp(port, to);
    } else {
        builder.udp(port, to);
    }
    return builder.pad_to(60).bytes();
}

template <class Family>
class AclBench {
  public:
    AclBench(std::size_t rules, unsigned hits) {
        std::mt19937 random(1);
        const Acl acl = random_rules<Family>(random, std::max<std::size_t>(rules, 1));
        std::vector<RuleCounterId> counters;
        for (std::uint32_t i = 0; i <= acl.rules.size(); ++i) counters.emplace_back(i + 1);
        const std::uint64_t start = rte_rdtsc();
        auto list = AclList::build(acl, {}, counters);
        CHECK(list.has_value());
        build_ms_ =
            static_cast<double>(rte_rdtsc() - start) * 1e3 / static_cast<double>(rte_get_tsc_hz());
        list_ = std::move(list).value();
        if (tables_kib() != 0) {
            trie_ = std::move(AclList::build(acl, {}, counters, AclEngine::kTrie).value());
        }
        if (rules != 0) {
            policies_.attachments[kAttachment.value()].filter_in = list_.get();
            bits_ = policies_.of(kAttachment).bits();
        }
        tables_.policies = &policies_;
        pool_ = std::move(make_packet_pool({.name = "acl_bench", .count = kPackets + 1})).value();
        for (std::size_t i = 0; i < kPackets; ++i) {
            rte_mbuf* const mbuf = rte_pktmbuf_alloc(pool_.get());
            CHECK(mbuf != nullptr);
            const auto bytes = packet_for(acl.rules[random() % acl.rules.size()], random, hits);
            std::ranges::copy(bytes, reinterpret_cast<std::uint8_t*>(rte_pktmbuf_append(
                                         mbuf, static_cast<std::uint16_t>(bytes.size()))));
            mbufs_.push_back(mbuf);
        }
    }
    ~AclBench() { rte_pktmbuf_free_bulk(mbufs_.data(), kPackets); }
    AclBench(const AclBench&) = delete;
    AclBench& operator=(const AclBench&) = delete;

    [[nodiscard]] double build_ms() const { return build_ms_; }
    // Of class tables; 0 where the list has none.
    [[nodiscard]] double tables_kib() const {
        const ClassTables* const tables = list_->template tables_of<Family>();
        return tables == nullptr ? 0 : static_cast<double>(tables->bytes()) / 1'024;
    }

    std::uint64_t bare_pass() {
        std::array<const std::uint8_t*, kBurst> packets;
        std::array<std::uint32_t, kBurst> results;
        const AclList& list = trie_ != nullptr ? *trie_ : *list_;
        std::uint64_t cycles = 0;
        for (std::size_t at = 0; at < kPackets; at += kBurst) {
            for (unsigned k = 0; k < kBurst; ++k) {
                packets[k] = rte_pktmbuf_mtod_offset(mbufs_[at + k], const std::uint8_t*, kTags);
            }
            const std::uint64_t start = rte_rdtsc();
            rte_acl_classify(list.template trie_of<Family>(), packets.data(), results.data(),
                             kBurst, 1);
            cycles += rte_rdtsc() - start;
            benchmark::DoNotOptimize(results);
        }
        return cycles;
    }

    std::uint64_t stage_pass() {
        std::uint64_t cycles = 0;
        for (std::size_t at = 0; at < kPackets; at += kBurst) {
            std::copy_n(mbufs_.begin() + static_cast<std::ptrdiff_t>(at), kBurst,
                        burst_.room().begin());
            burst_.start(PortId(0), kBurst);
            for (PacketMeta& meta : burst_.walking()) {
                meta.frame += kTags;
                meta.attachment = kAttachment;
                meta.packet_bytes = static_cast<std::uint16_t>(meta.frame_bytes - kTags);
            }
            burst_.note(bits_);
            const std::uint64_t start = rte_rdtsc();
            Filter<Family, Direction::kIn>::run(burst_, tables_);
            cycles += rte_rdtsc() - start;
            CHECK(burst_.size() == kBurst);
        }
        return cycles;
    }

  private:
    std::unique_ptr<const AclList> list_;
    std::unique_ptr<const AclList> trie_;  // of the same rules, where the list is none
    double build_ms_ = 0;
    Policies policies_;
    PolicyBits bits_;
    Tables tables_;
    Counters counters_;
    AclLog log_;
    Burst burst_{counters_, log_};
    Mempool pool_;
    std::vector<rte_mbuf*> mbufs_;
};

template <class Family>
void acl(benchmark::State& state) {
    AclBench<Family> bench(static_cast<std::size_t>(state.range(0)),
                           static_cast<unsigned>(state.range(1)));
    std::vector<double> bare;
    std::vector<double> stage;
    for (auto _ : state) {
        bare.push_back(static_cast<double>(bench.bare_pass()) / kPackets);
        stage.push_back(static_cast<double>(bench.stage_pass()) / kPackets);
    }
    std::ranges::sort(bare);
    std::ranges::sort(stage);
    state.counters["bare"] = bare[bare.size() / 2];
    state.counters["stage"] = stage[stage.size() / 2];
    state.counters["ratio"] = stage[stage.size() / 2] / bare[bare.size() / 2];
    state.counters["build_ms"] = bench.build_ms();
    state.counters["tables_kib"] = bench.tables_kib();
    state.SetLabel(std::string(acl_classify_method()) +
                   (has_huge_pages() ? ", huge pages" : ", 4 KiB pages"));
}
void arguments(benchmark::internal::Benchmark* benchmark) {
    benchmark->ArgNames({"rules", "hits"});
    for (const std::int64_t rules : {100, 1'000, 10'000}) {
        for (const std::int64_t hits : {100, 0}) benchmark->Args({rules, hits});
    }
    benchmark->Args({0, 0});
}
BENCHMARK(acl<Ipv4>)->Apply(arguments);
BENCHMARK(acl<Ipv6>)->Apply(arguments);

}  // namespace
}  // namespace causeway::test

int main(int argc, char** argv) {
    causeway::test::test_eal(causeway::Pages::kHuge);
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
