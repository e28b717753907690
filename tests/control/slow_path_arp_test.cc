// SPDX-License-Identifier: Apache-2.0
#include "tests/control/slow_path_fixture.h"

namespace causeway::test {
namespace {

class SlowPathArp : public SlowPathFixture {
  protected:
    static Frame arp(ArpOperation operation, const char* sender, const char* target,
                     MacAddress mac = kNeighbourMac) {
        return from_customer().to(kBroadcastMac).arp(operation, mac, sender, target).bytes();
    }
    static Frame request(const char* sender, const char* target) {
        return arp(ArpOperation::kRequest, sender, target);
    }
    [[nodiscard]] bool knows(const char* address) const {
        const auto found = bed_.neighbours.all().find({kEdge, ip(address)});
        return found != bed_.neighbours.all().end() && found->second.mac == kNeighbourMac;
    }
};

TEST_F(SlowPathArp, a_request_for_our_address_is_answered_byte_by_byte) {
    bed_.handle(kEdge, Exit::kArp, request("192.168.0.1", "192.168.0.2"));
    const Heard reply = hear_one();
    EXPECT_EQ(reply.out, kEdge);
    const Frame header{0x02, 0xbe, 0,    0, 0,  1,    0x02, 0xca, 0,   0,    0,
                       0x01, 0x81, 0x00, 0, 10, 0x81, 0x00, 0,    100, 0x08, 0x06};
    EXPECT_EQ(reply.header, header);
    const Frame packet{0,    1,    8, 0, 6, 4, 0,   2,          // Ethernet, IPv4, reply
                       0x02, 0xca, 0, 0, 0, 1, 192, 168, 0, 2,  // we have .2
                       0x02, 0xbe, 0, 0, 0, 1, 192, 168, 0, 1};
    EXPECT_EQ(reply.packet, packet);
    EXPECT_EQ(bed_.count(SlowEvent::kArpAnswered), 1U);
    EXPECT_TRUE(knows("192.168.0.1")) << "RFC 826: who asks is learned";
}

TEST_F(SlowPathArp, padding_is_not_answered_with) {
    Frame padded = request("192.168.0.1", "192.168.0.2");
    padded.resize(64, 0xaa);
    bed_.handle(kEdge, Exit::kArp, padded);
    EXPECT_EQ(hear_one().packet.size(), sizeof(ArpHeader));
}

TEST_F(SlowPathArp, a_reply_to_us_teaches_and_is_not_answered) {
    bed_.handle(kEdge, Exit::kArp, arp(ArpOperation::kReply, "192.168.0.1", "192.168.0.2"));
    expect_silence(SlowEvent::kArpLearned);
    EXPECT_TRUE(knows("192.168.0.1"));
}

TEST_F(SlowPathArp, a_probe_is_answered_and_teaches_nothing) {
    bed_.handle(kEdge, Exit::kArp, request("0.0.0.0", "192.168.0.2"));
    EXPECT_EQ(hear_one().arp().target_address, Be32(0));
    EXPECT_EQ(bed_.count(SlowEvent::kArpLearned), 0U);
    EXPECT_TRUE(bed_.neighbours.all().empty());
}

TEST_F(SlowPathArp, a_gratuitous_one_updates_whom_we_know_and_nobody_else) {
    bed_.handle(kEdge, Exit::kArp, request("192.168.0.1", "192.168.0.1"));
    expect_silence(SlowEvent::kArpIgnored);
    EXPECT_FALSE(knows("192.168.0.1"));

    resolve_customer();
    constexpr MacAddress kOther{{0x02, 0xbe, 0, 0, 0, 0x77}};
    bed_.handle(kEdge, Exit::kArp, arp(ArpOperation::kReply, "192.168.0.1", "192.168.0.1", kOther));
    EXPECT_TRUE(hear().empty());
    EXPECT_EQ(bed_.neighbours.all().at({kEdge, ip("192.168.0.1")}).mac, kOther);
}

TEST_F(SlowPathArp, who_claims_our_address_is_a_conflict_and_not_learned) {
    bed_.handle(kEdge, Exit::kArp, request("192.168.0.2", "192.168.0.1"));
    bed_.handle(kEdge, Exit::kArp, request("192.168.0.2", "192.168.0.2"));
    expect_silence(SlowEvent::kArpConflict, 2);
    EXPECT_TRUE(bed_.neighbours.all().empty());
}

TEST_F(SlowPathArp, what_does_not_concern_us_is_ignored) {
    const auto changed = [](std::size_t offset, std::uint8_t byte) {
        Frame frame = request("192.168.0.1", "192.168.0.2");
        frame[22 + offset] = byte;
        return frame;
    };
    struct Case {
        const char* says;
        Frame frame;
    };
    Frame cut = request("192.168.0.1", "192.168.0.2");
    cut.pop_back();
    const Case cases[] = {
        {"for another address", request("192.168.0.1", "192.168.0.3")},
        {"a reply from nobody", arp(ArpOperation::kReply, "0.0.0.0", "192.168.0.2")},
        {"from outside the subnet", request("192.168.0.5", "192.168.0.2")},
        {"from the subnet's broadcast address", request("192.168.0.3", "192.168.0.2")},
        {"from the subnet's own address", request("192.168.0.0", "192.168.0.2")},
        {"a probe for another address", request("0.0.0.0", "192.168.0.1")},
        {"from a group's MAC address",
         arp(ArpOperation::kRequest, "192.168.0.1", "192.168.0.2", {{0x03, 0, 0, 0, 0, 1}})},
        {"from nobody's MAC address",
         arp(ArpOperation::kRequest, "192.168.0.1", "192.168.0.2", {})},
        {"cut short", cut},
        {"of other hardware", changed(1, 6)},
        {"for another protocol", changed(3, 1)},
        {"with long hardware addresses", changed(4, 8)},
        {"with long protocol addresses", changed(5, 16)},
    };
    std::uint64_t ignored = 0;
    for (const Case& each : cases) {
        SCOPED_TRACE(each.says);
        bed_.handle(kEdge, Exit::kArp, each.frame);
        expect_silence(SlowEvent::kArpIgnored, ++ignored);
        EXPECT_TRUE(bed_.neighbours.all().empty());
    }
}

TEST_F(SlowPathArp, on_the_core_any_host_of_the_subnet_is_believed) {
    bed_.handle(
        kCore, Exit::kArp,
        from_core().arp(ArpOperation::kRequest, kNeighbourMac, "10.2.0.77", "10.2.0.254").bytes());
    EXPECT_EQ(hear_one().to, kNeighbourMac);
    EXPECT_TRUE(bed_.neighbours.all().contains({kCore, ip("10.2.0.77")}));
}

TEST_F(SlowPathArp, a_packet_of_an_attachment_that_has_gone_is_let_go) {
    Packet packet = bed_.punted(kEdge, Exit::kArp, request("192.168.0.1", "192.168.0.2"));
    bed_.attachments.remove(kEdge);
    bed_.slow_path.handle(std::move(packet), bed_.now_ns);
    expect_silence(SlowEvent::kAttachmentGone);
    EXPECT_EQ(rte_mempool_in_use_count(bed_.transmitter.pool()), 0U);
}

}  // namespace
}  // namespace causeway::test
