// SPDX-License-Identifier: Apache-2.0
//
// What the tests of the slow path share: the bed with an edge and a core, frames of either, and
// what was sent, read back.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "base/headers.h"
#include "tests/support/control_bed.h"
#include "tests/support/frame_builder.h"

namespace causeway::test {

// A frame that the control thread sent, parted.
struct Heard {
    AttachmentId out;
    MacAddress to;
    Frame header;  // of layer 2, whole
    Frame packet;  // the rest

    template <class T>
    [[nodiscard]] T at(std::size_t offset = 0) const {
        T value{};
        EXPECT_LE(offset + sizeof value, packet.size());
        if (offset + sizeof value <= packet.size()) {
            std::memcpy(&value, packet.data() + offset, sizeof value);
        }
        return value;
    }
    [[nodiscard]] Ipv4Header ipv4() const { return at<Ipv4Header>(); }
    [[nodiscard]] IcmpHeader icmp() const { return at<IcmpHeader>(20); }
    [[nodiscard]] ArpHeader arp() const { return at<ArpHeader>(); }
};

// RFC 1071, independent of base/checksum.h: true where bytes and their checksum sum to all ones.
[[nodiscard]] inline bool sums_up(std::span<const std::uint8_t> bytes) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) sum += bytes[i] * (i % 2 == 0 ? 256ULL : 1ULL);
    return sum != 0 && sum % 0xffff == 0;
}

class SlowPathFixture : public testing::Test {
  protected:
    explicit SlowPathFixture(const SlowRates& rates = {}) : bed_(rates) {
        bed_.attach_edge_and_core();
    }

    static FrameBuilder from_customer() { return frame().tags(10, 100); }
    static FrameBuilder from_core() { return frame().tag(0x8100, 300); }
    // The customer answers ARP, and 10.1/16 lies behind it.
    void resolve_customer() {
        (void)bed_.route_via("10.1.0.0/16", kEdge, "192.168.0.1");
        bed_.neighbours.learn({kEdge, ip("192.168.0.1")}, kNeighbourMac, bed_.now_ns);
    }
    void resolve_core() {
        (void)bed_.route_via("10.3.0.0/16", kCore, "10.2.0.1");
        bed_.neighbours.learn({kCore, ip("10.2.0.1")}, kNeighbourMac, bed_.now_ns);
    }

    std::vector<Heard> hear() {
        std::vector<Heard> all;
        for (const FakeTransmitter::Sent& sent : bed_.transmitter.take()) {
            const std::size_t size = sent.out == kEdge ? 22 : 18;
            EXPECT_GE(sent.frame.size(), size);
            Heard heard{.out = sent.out, .to = {}, .header = {}, .packet = {}};
            const auto end = sent.frame.begin() + static_cast<std::ptrdiff_t>(size);
            heard.header.assign(sent.frame.begin(), end);
            heard.packet.assign(end, sent.frame.end());
            std::memcpy(&heard.to, heard.header.data(), sizeof heard.to);
            all.push_back(std::move(heard));
        }
        return all;
    }
    // The one frame that was sent.
    Heard hear_one() {
        std::vector<Heard> all = hear();
        EXPECT_EQ(all.size(), 1U);
        return all.empty() ? Heard{} : all.front();
    }
    void expect_silence(SlowEvent event, std::uint64_t times = 1) {
        EXPECT_TRUE(hear().empty());
        EXPECT_EQ(bed_.count(event), times) << kSlowEvents[static_cast<std::size_t>(event)].name;
    }

    ControlBed bed_;
};

}  // namespace causeway::test
