// SPDX-License-Identifier: Apache-2.0
#include "tests/packets/packet_table.h"

#include <gtest/gtest.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include <algorithm>
#include <cctype>
#include <memory>
#include <utility>

#include "base/check.h"
#include "dataplane/punt_police.h"

namespace causeway::test {
namespace {

std::vector<Row>& rows_of_all_tables() {
    static std::vector<Row> rows;
    return rows;
}

// One for all rows: what a row leaves behind must not disturb the next.
World& the_world() {
    static World world;
    return world;
}

std::vector<Frame> sent_on_all_ports(TestBed& bed, PortId& port) {
    std::vector<Frame> all;
    for (const PortId each : {kPrimaryPort, kSecondaryPort, kCorePort}) {
        for (Frame& frame : bed.sent(each)) {
            all.push_back(std::move(frame));
            port = each;
        }
    }
    return all;
}

void fill_transmit_rings(TestBed& bed) {
    for (const PortId port : {kPrimaryPort, kSecondaryPort, kCorePort}) {
        while (rte_ring_full(bed.tx_ring(port)) == 0) {
            rte_mbuf* mbuf = rte_pktmbuf_alloc(bed.pool());
            CHECK(mbuf != nullptr);
            CHECK(rte_ring_enqueue(bed.tx_ring(port), mbuf) == 0);
        }
    }
}

void fill_punt_ring(TestBed& bed) {
    const Frame arp = frame()
                          .tags(10, 100)
                          .arp(ArpOperation::kRequest, kCustomerMac, "192.168.0.1", "192.168.0.2")
                          .bytes();
    const auto refused = [&bed] { return bed.counters().exits(kContosoPrimary, Exit::kPuntFull); };
    const std::uint64_t before = refused();
    for (std::size_t i = 0; i < kPuntRingSize; ++i) {
        bed.receive(kPrimaryPort, arp);
        bed.turn();
    }
    CHECK(refused() == before + 1);  // a ring holds one less than its size
}

// One level of fabrikam's is so small that no frame fits; none of the two otherwise.
void police(TestBed& bed, Given given) {
    static constexpr PolicerRate kNothing{.bytes_per_second = 1, .burst_bytes = 1};
    static constexpr PolicerRate kPlenty{.bytes_per_second = 1'000'000, .burst_bytes = 1'000'000};
    static Policer empty(1'000'000'000, kNothing, 0);
    static Policer full(1'000'000'000, kPlenty, 0);
    static const PolicePlan peering_exceeded{.rest = {.peering = &empty, .circuit = &full}};
    static const PolicePlan circuit_exceeded{.rest = {.peering = &full, .circuit = &empty}};
    AttachmentPolicy policy;
    if (given == Given::kPeeringRateExceeded) policy.police_in = &peering_exceeded;
    if (given == Given::kCircuitRateExceeded) policy.police_in = &circuit_exceeded;
    bed.set_policy(kFabrikam, policy);
    bed.publish();
}

// Takes nothing of anybody.
PuntPolice& closed_punt_police() {
    static PuntPolice police(1'000'000'000, [] {
        PuntLimits limits;
        limits.fill(
            {.attachment = {.per_second = 1, .burst = 0}, .total = {.per_second = 1, .burst = 0}});
        return limits;
    }());
    return police;
}

class RowTest : public testing::Test {
  public:
    explicit RowTest(Row row) : row_(std::move(row)) {}

    void TestBody() override {
        TestBed& bed = the_world().bed();
        if (row_.given == Given::kTransmitRingsFull) fill_transmit_rings(bed);
        if (row_.given == Given::kPuntRingFull) fill_punt_ring(bed);
        const bool is_policed =
            row_.given == Given::kPeeringRateExceeded || row_.given == Given::kCircuitRateExceeded;
        if (is_policed) police(bed, row_.given);
        if (row_.given == Given::kPuntRateExceeded) bed.police_punts(&closed_punt_police());
        ask_twin();
        count_before();
        bed.receive(row_.in.port, row_.in.frame);
        bed.turn();
        if (row_.out.exit == Exit::kNone) {
            expect_sent(bed);
        } else {
            expect_exit(bed);
        }
        EXPECT_EQ(bed.unaccounted(), "");
        if (is_policed) police(bed, Given::kNothing);
        bed.police_punts(nullptr);
        PortId port;
        (void)sent_on_all_ports(bed, port);
        (void)bed.punted();
        (void)bed.posted();
    }

  private:
    void ask_twin() {
        const SlowFate fate = the_world().twin().walk(row_.in.port, row_.in.frame);
        EXPECT_EQ(fate.row, row_.out.row) << "the slow twin's row";
        if (row_.given != Given::kNothing) return;  // it knows nothing of rings and buckets
        EXPECT_EQ(info_of(fate.exit).name, info_of(row_.out.exit).name) << "the slow twin's";
        const bool knows = row_.out.exit != Exit::kNone ||
                           std::ranges::any_of(fate.ways, [this](const SlowFate::Way& way) {
                               return way.attachment == row_.out.out && way.frame == row_.out.frame;
                           });
        EXPECT_TRUE(knows) << "the slow twin does not know this way out";
    }

    void count_before() {
        const Counters& counters = the_world().bed().counters();
        exits_before_ = counters.exits(row_.out.row, row_.out.exit);
        forwarded_before_ = counters.traffic(row_.out.row).forwarded_packets.read();
        received_bytes_before_ = counters.traffic(row_.out.row).rx_bytes.read();
        sent_before_ = counters.traffic(row_.out.out).tx_packets.read();
        sent_bytes_before_ = counters.traffic(row_.out.out).tx_bytes.read();
    }

    void expect_sent(TestBed& bed) {
        PortId port;
        const std::vector<Frame> sent = sent_on_all_ports(bed, port);
        ASSERT_EQ(sent.size(), 1U) << "frames sent";
        EXPECT_EQ(port, the_world().attachment(row_.out.out).port) << "by this port";
        EXPECT_EQ(sent[0], row_.out.frame);
        EXPECT_EQ(bed.punted().empty(), row_.given != Given::kPuntRingFull);
        const TrafficCounters& in = bed.counters().traffic(row_.out.row);
        const TrafficCounters& out = bed.counters().traffic(row_.out.out);
        EXPECT_EQ(in.forwarded_packets.read(), forwarded_before_ + 1);
        EXPECT_EQ(in.rx_bytes.read(), received_bytes_before_ + row_.in.frame.size());
        EXPECT_EQ(out.tx_packets.read(), sent_before_ + 1);
        EXPECT_EQ(out.tx_bytes.read(), sent_bytes_before_ + row_.out.frame.size());
    }

    void expect_exit(TestBed& bed) {
        EXPECT_EQ(bed.counters().exits(row_.out.row, row_.out.exit), exits_before_ + 1)
            << info_of(row_.out.exit).name;
        if (row_.given != Given::kNothing) return;  // the rings hold what filled them
        PortId port;
        EXPECT_TRUE(sent_on_all_ports(bed, port).empty());
        std::vector<Packet> punted = bed.punted();
        if (info_of(row_.out.exit).fate == Fate::kDrop) {
            EXPECT_TRUE(punted.empty() && bed.posted().empty());
            return;
        }
        if (info_of(row_.out.exit).fate == Fate::kPost) return expect_posted(bed);
        ASSERT_EQ(punted.size(), 1U);
        const PuntNote& note = punted[0].note();
        const SlowFate fate = the_world().twin().walk(row_.in.port, row_.in.frame);
        EXPECT_EQ(note.exit, row_.out.exit);
        EXPECT_EQ(note.attachment, row_.out.row);
        EXPECT_EQ(note.port, row_.in.port);
        EXPECT_EQ(note.vrf, fate.vrf);
        EXPECT_EQ(note.header_bytes, fate.header_bytes);
        const auto bytes = punted[0].bytes();
        EXPECT_EQ(Frame(bytes.begin(), bytes.end()), row_.in.frame) << "goes up as it came";
    }

    void expect_posted(TestBed& bed) {
        const std::vector<BfdFrame> posted = bed.posted();
        ASSERT_EQ(posted.size(), 1U);
        EXPECT_EQ(posted[0].attachment, row_.out.row);
        EXPECT_EQ(posted[0].port, row_.in.port);
        const SlowFate fate = the_world().twin().walk(row_.in.port, row_.in.frame);
        const auto view = posted[0].view();
        const Frame packet(row_.in.frame.begin() + fate.header_bytes, row_.in.frame.end());
        EXPECT_EQ(Frame(view.begin(), view.end()), packet) << "layer 3, as it came";
    }

    Row row_;
    std::uint64_t exits_before_ = 0;
    std::uint64_t forwarded_before_ = 0;
    std::uint64_t received_bytes_before_ = 0;
    std::uint64_t sent_before_ = 0;
    std::uint64_t sent_bytes_before_ = 0;
};

std::string as_name(std::string says) {
    for (char& c : says) {
        if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
    }
    return says;
}

}  // namespace

Arrival on(PortId port, const FrameBuilder& frame) {
    return {port, frame.bytes()};
}

Outcome leaves(Passage passage, const FrameBuilder& frame) {
    return {.exit = Exit::kNone, .row = passage.in, .out = passage.out, .frame = frame.bytes()};
}

Outcome ends(Exit exit, AttachmentId row) {
    return {.exit = exit, .row = row, .out = {}, .frame = {}};
}

PacketTable::PacketTable(const char* feature, std::vector<Row> rows) {
    for (const Row& row : rows) {
        testing::RegisterTest(
            feature, as_name(row.says).c_str(), nullptr, nullptr, __FILE__, __LINE__,
            [row]() -> testing::Test* { return std::make_unique<RowTest>(row).release(); });
        rows_of_all_tables().push_back(row);
    }
}

const std::vector<Row>& PacketTable::all() {
    return rows_of_all_tables();
}

}  // namespace causeway::test
