// SPDX-License-Identifier: Apache-2.0
//
// Ports on real kernel interfaces, in a namespace of this test's own: what reaches the forwarder,
// what stays with the kernel, and what the tag filter counts. Needs root.
//
//   port_lab_test normal|huge [gtest options]     the kind of memory pages
#include "tests/dataplane/port_lab.h"

#include <gtest/gtest.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>
#include <set>
#include <string_view>
#include <thread>

#include "dataplane/dpdk.h"
#include "dataplane/port.h"
#include "dataplane/rss.h"
#include "tests/dataplane/veth_lab.h"

namespace causeway {
namespace {

using namespace std::chrono_literals;

constexpr int kSkipped = 77;  // what meson takes for "skipped"
// Polls until the frame of this serial arrives; nothing if patience ends first.
std::optional<Frame> await_at_port(const Port& port, std::uint32_t serial) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (std::chrono::steady_clock::now() < end) {
        for (Frame& frame : receive_burst(port)) {
            if (serial_of(frame) == serial) return std::move(frame);
        }
    }
    return std::nullopt;
}

std::optional<Frame> await_at_socket(RawSocket& socket, std::uint32_t serial) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (std::chrono::steady_clock::now() < end) {
        auto frame = socket.receive();
        if (frame && serial_of(*frame) == serial) return frame;
    }
    return std::nullopt;
}

bool transmit(const Port& port, const Frame& frame) {
    rte_mbuf* mbuf = ::rte_pktmbuf_alloc(packet_pool);
    if (mbuf == nullptr) return false;
    void* const room = ::rte_pktmbuf_append(mbuf, static_cast<std::uint16_t>(frame.size()));
    std::memcpy(room, frame.data(), frame.size());
    return ::rte_eth_tx_burst(port.dpdk_id(), 0, &mbuf, 1) == 1;
}

std::uint32_t next_serial() {
    static std::uint32_t serial = 0;  // which stands for none
    return ++serial;
}

// ---- what the tag filter decides, one row a kind of frame

enum class Way : std::uint8_t { kForwarder, kKernelUntagged, kKernelUnknown };

struct FilterRow {
    std::string_view description;
    std::vector<Tag> tags;
    Way way;
};

// Provisioned: QinQ 100.10, and the single tag 200.
const FilterRow kFilterRows[] = {
    {"QinQ 88a8+8100, provisioned", {{0x88a8, 100}, {0x8100, 10}}, Way::kForwarder},
    {"QinQ 8100+8100, provisioned", {{0x8100, 100}, {0x8100, 10}}, Way::kForwarder},
    {"QinQ 88a8+88a8, provisioned: TPIDs are the walk's",
     {{0x88a8, 100}, {0x88a8, 10}},
     Way::kForwarder},
    {"single tag, provisioned", {{0x8100, 200}}, Way::kForwarder},
    {"single tag 88a8, provisioned", {{0x88a8, 200}}, Way::kForwarder},
    {"third tag under a provisioned pair: the walk counts it",
     {{0x88a8, 100}, {0x8100, 10}, {0x8100, 5}},
     Way::kForwarder},
    {"priority bits are no part of the tag",
     {{0x88a8, 100 | 7 << 13}, {0x8100, 10 | 1 << 12}},
     Way::kForwarder},
    {"provisioned outer, other inner", {{0x88a8, 100}, {0x8100, 11}}, Way::kKernelUnknown},
    {"other outer, provisioned inner", {{0x8100, 101}, {0x8100, 10}}, Way::kKernelUnknown},
    {"tags swapped", {{0x8100, 10}, {0x8100, 100}}, Way::kKernelUnknown},
    {"outer of a pair alone", {{0x8100, 100}}, Way::kKernelUnknown},
    {"inner of a pair alone", {{0x8100, 10}}, Way::kKernelUnknown},
    {"a second tag under a single one", {{0x8100, 200}, {0x8100, 10}}, Way::kKernelUnknown},
    {"priority tag under a single one", {{0x8100, 200}, {0x8100, 0}}, Way::kKernelUnknown},
    {"priority tag", {{0x8100, 0}}, Way::kKernelUnknown},
    {"VID 4095", {{0x8100, 4095}}, Way::kKernelUnknown},
    {"untagged", {}, Way::kKernelUntagged},
    {"TPID 9100 is none of ours", {{0x9100, 100}, {0x8100, 10}}, Way::kKernelUntagged},
};

class AfXdpPort : public AfXdpLab {
  protected:
    void SetUp() override {
        const std::array provisioned = {tags(100, 10), tags(200)};
        ASSERT_NO_FATAL_FAILURE(open_near(provisioned));
        kernel_ = std::make_unique<RawSocket>("near");
    }

    TagFilterCounters counters() { return port_->tag_filter()->counters().value(); }

    std::unique_ptr<RawSocket> kernel_;  // overhears the near end's kernel
};

TEST_F(AfXdpPort, ReceivesProvisionedTagsOnlyAndLeavesTheRest) {
    std::set<std::uint32_t> at_port;
    TagFilterCounters expected;
    for (const FilterRow& row : kFilterRows) {
        SCOPED_TRACE(row.description);
        const std::uint32_t serial = next_serial();
        const Frame sent = make_frame(row.tags, serial);
        ASSERT_TRUE(host_->send(sent));
        switch (row.way) {
            case Way::kForwarder:
                EXPECT_EQ(await_at_port(*port_, serial), sent) << "changed, or not received";
                ++expected.redirected;
                at_port.insert(serial);
                break;
            case Way::kKernelUntagged:
                ++expected.untagged;
                break;
            case Way::kKernelUnknown:
                ++expected.unknown_tag;
                break;
        }
        if (row.way != Way::kForwarder) {
            EXPECT_TRUE(await_at_socket(*kernel_, serial)) << "the kernel did not get it";
        }
    }
    // Nothing came by the other way, too.
    std::this_thread::sleep_for(50ms);
    for (const Frame& frame : receive_burst(*port_)) {
        ADD_FAILURE() << "a stray frame of " << frame.size() << " bytes at the port";
    }
    while (const auto frame = kernel_->receive()) {
        EXPECT_FALSE(at_port.contains(serial_of(*frame).value_or(0))) << "by both ways";
    }
    const TagFilterCounters counted = counters();
    EXPECT_EQ(counted.redirected, expected.redirected);
    EXPECT_EQ(counted.untagged, expected.untagged);
    EXPECT_EQ(counted.unknown_tag, expected.unknown_tag);
    EXPECT_EQ(counted.no_socket, 0U);
    EXPECT_EQ(counted.malformed, 0U);
    EXPECT_EQ(port_->counters().rx_packets, expected.redirected);
}

TEST_F(AfXdpPort, CountsAFrameThatEndsInsideItsTags) {
    Frame frame = make_frame({}, 0, 14);
    frame.resize(14);
    frame[12] = 0x81;
    frame[13] = 0x00;
    ASSERT_TRUE(host_->send(frame));
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (counters().malformed == 0 && std::chrono::steady_clock::now() < end) {
    }
    EXPECT_EQ(counters().malformed, 1U);
}

TEST_F(AfXdpPort, ChangesTagsInPlace) {
    const Tag pair[] = {{0x88a8, 100}, {0x8100, 10}};
    const Tag single[] = {{0x8100, 200}};
    const Tag other[] = {{0x8100, 4094}, {0x8100, 4094}};
    const std::array changed = {tags(100, 10), tags(4094, 4094)};
    ASSERT_TRUE(port_->tag_filter()->set(changed));

    std::uint32_t serial = next_serial();
    ASSERT_TRUE(host_->send(make_frame(pair, serial)));
    EXPECT_TRUE(await_at_port(*port_, serial));
    serial = next_serial();
    ASSERT_TRUE(host_->send(make_frame(other, serial)));
    EXPECT_TRUE(await_at_port(*port_, serial));
    serial = next_serial();
    ASSERT_TRUE(host_->send(make_frame(single, serial)));
    EXPECT_TRUE(await_at_socket(*kernel_, serial));
}

TEST_F(AfXdpPort, TakesSixteenThousandTagsAndForgetsThem) {
    std::vector<TagPair> many;
    for (int outer = 1; outer <= 4; ++outer) {
        for (int inner = 1; inner <= 4'000; ++inner) many.push_back(tags(outer, inner));
    }
    ASSERT_TRUE(port_->tag_filter()->set(many));
    const Tag last[] = {{0x8100, 4}, {0x8100, 4'000}};
    std::uint32_t serial = next_serial();
    ASSERT_TRUE(host_->send(make_frame(last, serial)));
    EXPECT_TRUE(await_at_port(*port_, serial));

    ASSERT_TRUE(port_->tag_filter()->set({}));
    serial = next_serial();
    ASSERT_TRUE(host_->send(make_frame(last, serial)));
    EXPECT_TRUE(await_at_socket(*kernel_, serial));
}

TEST_F(AfXdpPort, CarriesFramesOfFullSizeBothWays) {
    const Tag pair[] = {{0x8100, 100}, {0x8100, 10}};
    const std::uint32_t serial = next_serial();
    const Frame frame = make_frame(pair, serial, 1'500 + 22);
    ASSERT_TRUE(host_->send(frame));
    EXPECT_EQ(await_at_port(*port_, serial), frame);

    const std::uint32_t back = next_serial();
    ASSERT_TRUE(transmit(*port_, make_frame(pair, back, 1'500 + 22)));
    EXPECT_TRUE(await_at_socket(*host_, back));
}

TEST_F(AfXdpPort, KeepsTheTagsItSends) {
    const Tag pair[] = {{0x88a8, 100}, {0x8100, 10}};
    const std::uint32_t serial = next_serial();
    ASSERT_TRUE(transmit(*port_, make_frame(pair, serial)));
    const auto received = await_at_socket(*host_, serial);
    ASSERT_TRUE(received);
    // The receiving kernel takes the outer tag into metadata; the inner one is left where it was.
    Frame expected = make_frame(pair, serial);
    expected.erase(expected.begin() + 12, expected.begin() + 16);
    EXPECT_EQ(*received, expected);
}

TEST_F(AfXdpPort, ForwardsAgainAfterItWasDown) {
    const Tag pair[] = {{0x88a8, 100}, {0x8100, 10}};
    ASSERT_TRUE(port_->set_admin(AdminState::kDown));
    (void)host_->send(make_frame(pair, next_serial()));  // the far end may refuse by now
    ASSERT_TRUE(port_->set_admin(AdminState::kUp));
    std::this_thread::sleep_for(50ms);
    const std::uint32_t serial = next_serial();
    ASSERT_TRUE(host_->send(make_frame(pair, serial)));
    EXPECT_TRUE(await_at_port(*port_, serial));
}

TEST_F(AfXdpPort, KeepsItsInterfaceToItself) {
    const Result<Port> second = open_port("af_packet:near", 1);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::kExists);
    EXPECT_TRUE(second.error().message.starts_with("port edge-1 (af_packet:near): "))
        << second.error().message;
}

TEST_F(AfXdpPort, TellsWhatItIs) {
    EXPECT_EQ(port_->driver(), "net_af_xdp");
    EXPECT_EQ(port_->kernel_interface(), "near");
    EXPECT_EQ(port_->rx_queues(), 1U);
    EXPECT_EQ(port_->tx_queues(), 1U);
    EXPECT_NE(port_->mac(), MacAddress{});
}

// ---- other ways to open a port

TEST(PortOpen, TakesOverFromAKilledDaemon) {
    ASSERT_TRUE(make_veth_pair("left", "right"));
    const auto object = find_tag_filter_object();
    ASSERT_TRUE(object) << object.error().message;
    ASSERT_TRUE(run("ip link set dev left xdp obj " + *object + " sec xdp"));
    {
        const Result<Port> port = open_port("af_xdp:left");
        EXPECT_TRUE(port) << port.error().message;
    }
    run("ip link delete left");
}

// Buffers of the pool that are free, each counted once: one that was freed twice does not hide
// another that is lost.
std::size_t count_free_buffers() {
    std::set<rte_mbuf*> free;
    std::size_t taken = 0;
    std::vector<rte_mbuf*> mbufs;
    while (rte_mbuf* mbuf = ::rte_pktmbuf_alloc(packet_pool)) {
        free.insert(mbuf);
        mbufs.push_back(mbuf);
        if (++taken > packet_pool->size) break;
    }
    EXPECT_EQ(free.size(), mbufs.size()) << "a buffer was freed twice";
    for (rte_mbuf* mbuf : free) ::rte_pktmbuf_free(mbuf);
    return free.size();
}

TEST(PortOpen, CanBeRepeatedOnOneInterface) {
    ASSERT_TRUE(make_veth_pair("left", "right"));
    const std::size_t buffers = count_free_buffers();
    for (int round = 0; round < 3; ++round) {
        {
            Result<Port> port = open_port("af_xdp:left");
            ASSERT_TRUE(port) << port.error().message;
            ASSERT_LT(::rte_mempool_avail_count(packet_pool), buffers);
            // Some frames read, some unread, some sent: buffers lie in every ring.
            const std::array provisioned = {tags(7)};
            const Tag single[] = {{0x8100, 7}};
            ASSERT_TRUE(port->tag_filter()->set(provisioned));
            RawSocket host("right");
            for (int i = 0; i < 10; ++i) {
                const std::uint32_t serial = next_serial();
                ASSERT_TRUE(host.send(make_frame(single, serial)));
                ASSERT_TRUE(transmit(*port, make_frame(single, next_serial())));
                ASSERT_TRUE(i >= 5 || await_at_port(*port, serial));
            }
        }
        ASSERT_EQ(count_free_buffers(), buffers) << "buffers are lost";
    }
    run("ip link delete left");
}

TEST(PortOpen, LeavesNoFilterBehind) {
    ASSERT_TRUE(make_veth_pair("left", "right"));
    { ASSERT_TRUE(open_port("af_xdp:left")); }
    const auto filter = TagFilter::attach_to("left");
    ASSERT_FALSE(filter);
    EXPECT_EQ(filter.error().code, ErrorCode::kNotFound);
    run("ip link delete left");
}

TEST(PortOpen, RefusesMoreKernelQueuesThanWorkers) {
    ASSERT_TRUE(run("ip link add left numrxqueues 2 numtxqueues 2 type veth peer name right "
                    "numrxqueues 2 numtxqueues 2") &&
                run("ip link set left up") && run("ip link set right up"));
    run("ethtool -L left rx 2 tx 2");
    const Result<Port> port = open_port("af_xdp:left");
    ASSERT_FALSE(port);
    EXPECT_NE(port.error().message.find("2 queues"), std::string::npos) << port.error().message;
    run("ip link delete left");
}

TEST(PortOpen, NamesPortDeviceAndReason) {
    struct Wrong {
        std::string device;
        std::string_view reason;
    };
    for (const Wrong& wrong :
         {Wrong{"af_xdp:nowhere", "there is no interface nowhere"},
          Wrong{"af_packet:nowhere", "there is no interface nowhere"},
          Wrong{"net_nonsense0", "cannot be opened: "}, Wrong{"ff:1f.7", "cannot be opened: "},
          Wrong{"net_pcap0,rx_pcap=/nonexistent", "/nonexistent"},
          Wrong{"eth0", "neither a PCI address"}}) {
        const Result<Port> port = open_port(wrong.device);
        ASSERT_FALSE(port) << wrong.device;
        const std::string& message = port.error().message;
        EXPECT_TRUE(message.starts_with("port edge-0")) << message;
        EXPECT_NE(message.find(wrong.device), std::string::npos) << message;
        EXPECT_NE(message.find(wrong.reason), std::string::npos) << message;
    }
}

TEST(PortOpen, AfPacketReceivesEveryFrameWithItsTags) {
    ASSERT_TRUE(make_veth_pair("left", "right"));
    {
        const Result<Port> port = open_port("af_packet:left");
        ASSERT_TRUE(port) << port.error().message;
        RawSocket host("right");
        const Tag pair[] = {{0x8100, 7}, {0x8100, 8}};
        const std::uint32_t serial = next_serial();
        const Frame frame = make_frame(pair, serial, 1'500 + 22);
        ASSERT_TRUE(host.send(frame));
        EXPECT_EQ(await_at_port(*port, serial), frame);
    }
    run("ip link delete left");
}

TEST(PortOpen, TapMakesItsInterface) {
    const Result<Port> port = open_port("tap:tapped");
    ASSERT_TRUE(port) << port.error().message;
    ASSERT_TRUE(run("ip link set tapped addrgenmode none up"));
    RawSocket kernel("tapped");
    const Tag single[] = {{0x8100, 7}};
    std::uint32_t serial = next_serial();
    ASSERT_TRUE(kernel.send(make_frame(single, serial)));
    EXPECT_TRUE(await_at_port(*port, serial));
    serial = next_serial();
    ASSERT_TRUE(transmit(*port, make_frame(single, serial)));
    EXPECT_TRUE(await_at_socket(kernel, serial));
}

// Of all devices without hardware, net_null alone has an indirection table.
TEST(PortOpen, GivesRssTheTableOfAllPorts) {
    constexpr unsigned kQueues = 3;
    const PortOptions options{
        .name = "edge-0", .device = "net_null0", .rx_queues = kQueues, .tx_queues = kQueues};
    const Result<Port> port = Port::open(options, packet_pool);
    ASSERT_TRUE(port) << port.error().message;
    ASSERT_EQ(port->rx_queues(), kQueues);
    std::array<rte_eth_rss_reta_entry64, 2> table{};
    for (rte_eth_rss_reta_entry64& group : table) group.mask = UINT64_MAX;
    ASSERT_EQ(::rte_eth_dev_rss_reta_query(port->dpdk_id(), table.data(), 128), 0);
    for (unsigned hash = 0; hash < 128; ++hash) {
        EXPECT_EQ(table[hash / 64].reta[hash % 64],
                  worker_of(static_cast<std::uint16_t>(hash), kQueues));
    }
}

TEST(PortOpen, RingLoopsBackAndCanBeOpenedAgain) {
    for (int round = 0; round < 3; ++round) {
        const Result<Port> port = open_port("net_ring0");
        ASSERT_TRUE(port) << port.error().message;
        EXPECT_TRUE(port->link_up());
        const std::uint32_t serial = next_serial();
        ASSERT_TRUE(transmit(*port, make_frame({}, serial)));
        EXPECT_TRUE(await_at_port(*port, serial));
    }
}

TEST(PacketPool, LiesInOnePieceWithAnOddStride) {
    EXPECT_EQ(packet_pool->nb_mem_chunks, 1U);
    const std::size_t stride =
        packet_pool->header_size + packet_pool->elt_size + packet_pool->trailer_size;
    EXPECT_EQ(stride / RTE_CACHE_LINE_SIZE % 2, 1U);

    // Side by side, not one a page: what net_af_xdp reckons with.
    std::set<std::uintptr_t> addresses;
    ::rte_mempool_obj_iter(
        packet_pool,
        [](rte_mempool*, void* set, void* buffer, unsigned) {
            static_cast<std::set<std::uintptr_t>*>(set)->insert(
                reinterpret_cast<std::uintptr_t>(buffer));
        },
        &addresses);
    ASSERT_EQ(addresses.size(), packet_pool->size);
    EXPECT_EQ(*addresses.rbegin() - *addresses.begin(), (packet_pool->size - 1) * stride);
}

int run_all(Pages pages) {
    Result<Eal> eal = Eal::start({.control_core = 0,
                                  .worker_cores = {0},
                                  .pages = pages,
                                  .memory_mib = 128,
                                  .extra_args = {}});
    if (!eal) {
        // Huge pages are the machine's to give.
        std::printf("SKIP: %s\n", eal.error().message.c_str());
        return pages == Pages::kHuge ? kSkipped : 1;
    }
    Result<Mempool> pool = make_packet_pool({.count = 16'383, .cache = 128});
    if (!pool) {
        std::printf("%s\n", pool.error().message.c_str());
        return 1;
    }
    packet_pool = pool->get();
    return RUN_ALL_TESTS();
}

}  // namespace
}  // namespace causeway

int main(int argc, char** argv) {
    testing::InitGoogleTest(&argc, argv);
    if (argc != 2) {
        std::fprintf(stderr, "usage: %s normal|huge\n", argv[0]);
        return 2;
    }
    if (!causeway::enter_private_namespace()) {
        std::printf("SKIP: this test makes network namespaces, which takes root\n");
        return causeway::kSkipped;
    }
    const bool is_huge = std::string_view(argv[1]) == "huge";
    return causeway::run_all(is_huge ? causeway::Pages::kHuge : causeway::Pages::kNormal);
}
