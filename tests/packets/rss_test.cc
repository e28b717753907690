// SPDX-License-Identifier: Apache-2.0
//
// Which worker a flow belongs to, against DPDK's own Toeplitz over the tuple that a NIC takes.
#include "dataplane/rss.h"

#include <gtest/gtest.h>
#include <rte_thash.h>

#include <array>
#include <set>
#include <vector>

#include "base/text.h"
#include "tests/support/frame_builder.h"
#include "tests/support/seed.h"

namespace causeway::test {
namespace {

// DPDK's hash of 32-bit words in host order.
std::uint32_t toeplitz(std::vector<std::uint32_t> tuple) {
    std::array<std::uint8_t, 52> key;
    for (std::size_t i = 0; i < key.size(); ++i) key[i] = i % 2 == 0 ? 0x6d : 0x5a;
    return rte_softrss(tuple.data(), static_cast<std::uint32_t>(tuple.size()), key.data());
}

void append(std::vector<std::uint32_t>& tuple, Ipv6Address address) {
    for (const std::uint64_t half : {address.high(), address.low()}) {
        tuple.push_back(static_cast<std::uint32_t>(half >> 32));
        tuple.push_back(static_cast<std::uint32_t>(half));
    }
}

struct Flow {
    Ipv4Address source;
    Ipv4Address destination;
    Ipv6Address source6;
    Ipv6Address destination6;
    std::uint16_t source_port = 0;
    std::uint16_t destination_port = 0;

    static Flow of(SeededRandom& random) {
        return {.source = Ipv4Address(static_cast<std::uint32_t>(random())),
                .destination = Ipv4Address(static_cast<std::uint32_t>(random())),
                .source6 = Ipv6Address(random(), random()),
                .destination6 = Ipv6Address(random(), random()),
                .source_port = static_cast<std::uint16_t>(random()),
                .destination_port = static_cast<std::uint16_t>(random())};
    }
    [[nodiscard]] Flow reversed() const {
        return {destination, source, destination6, source6, destination_port, source_port};
    }
    [[nodiscard]] std::uint32_t ports() const {
        return std::uint32_t{source_port} << 16 | destination_port;
    }
    [[nodiscard]] std::vector<std::uint32_t> addresses(int family) const {
        if (family == 4) return {source.value(), destination.value()};
        std::vector<std::uint32_t> tuple;
        append(tuple, source6);
        append(tuple, destination6);
        return tuple;
    }
    [[nodiscard]] FrameBuilder frame_of(int family, std::uint64_t tags) const {
        FrameBuilder frame = test::frame();
        if (tags > 0) frame.tag(0x88a8, 10);
        if (tags > 1) frame.tag(0x8100, 100);
        return family == 4 ? frame.ipv4(to_string(source), to_string(destination))
                           : frame.ipv6(to_string(source6), to_string(destination6));
    }
};

std::uint32_t hash_of(const FrameBuilder& frame) {
    const std::uint16_t half = rss_hash(flow_word(frame.bytes()));
    return std::uint32_t{half} << 16 | half;
}

class Rss : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Families, Rss, testing::Values(4, 6),
                         [](const auto& family) { return "ipv" + std::to_string(family.param); });

TEST_P(Rss, is_the_hash_that_a_nic_computes) {
    SeededRandom random;
    for (std::size_t i = 0; i < rounds(5'000); ++i) {
        const Flow flow = Flow::of(random);
        const FrameBuilder frame = flow.frame_of(GetParam(), random.below(3));
        std::vector<std::uint32_t> tuple = flow.addresses(GetParam());
        EXPECT_EQ(hash_of(FrameBuilder(frame).echo_request(1, 2)), toeplitz(tuple));
        EXPECT_EQ(hash_of(FrameBuilder(frame).udp(7, 8).fragment(0, 1)), toeplitz(tuple));
        EXPECT_EQ(hash_of(FrameBuilder(frame).udp(7, 8).fragment(8, 0)), toeplitz(tuple));
        tuple.push_back(flow.ports());
        const std::uint32_t expected = toeplitz(tuple);
        ASSERT_EQ(hash_of(FrameBuilder(frame).tcp(flow.source_port, flow.destination_port)),
                  expected);
        ASSERT_EQ(hash_of(FrameBuilder(frame).udp(flow.source_port, flow.destination_port)),
                  expected);
    }
}

TEST_P(Rss, is_the_same_both_ways) {
    SeededRandom random;
    for (std::size_t i = 0; i < rounds(5'000); ++i) {
        const Flow flow = Flow::of(random);
        const Flow back = flow.reversed();
        ASSERT_EQ(
            hash_of(flow.frame_of(GetParam(), 2).tcp(flow.source_port, flow.destination_port)),
            hash_of(back.frame_of(GetParam(), 1).tcp(back.source_port, back.destination_port)));
    }
}

TEST_P(Rss, options_and_cut_frames_do_not_lead_it_astray) {
    SeededRandom random;
    const Flow flow = Flow::of(random);
    const FrameBuilder whole =
        flow.frame_of(GetParam(), 2).tcp(flow.source_port, flow.destination_port);
    const std::vector<std::uint8_t> bytes = whole.bytes();
    for (std::size_t size = 0; size <= bytes.size(); ++size) {
        const std::vector<std::uint8_t> cut(bytes.begin(),
                                            bytes.begin() + static_cast<std::ptrdiff_t>(size));
        const std::uint16_t word = flow_word(cut);  // reads nothing behind it: the sanitizer knows
        const std::size_t ip_header = GetParam() == 4 ? 20 : 40;
        if (size < 22 + ip_header) {
            EXPECT_EQ(word, 0);
        }
    }
    if (GetParam() == 4) {
        FrameBuilder with_options = whole;
        EXPECT_EQ(hash_of(with_options.options(12)), hash_of(whole));
    }
}

TEST(Rss, what_is_not_ip_is_the_first_workers) {
    const auto arp =
        frame().tags(10, 100).arp(ArpOperation::kRequest, kCustomerMac, "10.0.0.1", "10.0.0.2");
    EXPECT_EQ(flow_word(arp.bytes()), 0);
    EXPECT_EQ(worker_of(rss_hash(0), 7), 0U);
    const auto three = frame().tag(0x8100, 1).tag(0x8100, 2).tag(0x8100, 3);
    EXPECT_EQ(flow_word(FrameBuilder(three).ipv4("10.0.0.1", "10.0.0.9").udp(1, 2).bytes()), 0);
}

TEST(Rss, all_hashes_occur_and_share_the_workers_evenly) {
    std::set<std::uint16_t> hashes;
    for (unsigned workers = 1; workers <= kWorkersMax; ++workers) {
        std::vector<unsigned> share(workers);
        for (unsigned word = 0; word < 65'536; ++word) {
            const std::uint16_t hash = rss_hash(static_cast<std::uint16_t>(word));
            if (workers == 1) hashes.insert(hash);
            ++share[worker_of(hash, workers)];
        }
        // As even as 64 slots can be shared out.
        const unsigned least = static_cast<unsigned>(kRssSlots) / workers * 1'024;
        for (const unsigned words : share) {
            EXPECT_GE(words, least);
            EXPECT_LE(words, least + 1'024);
        }
    }
    EXPECT_EQ(hashes.size(), 65'536U);
}

}  // namespace
}  // namespace causeway::test
