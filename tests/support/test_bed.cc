// SPDX-License-Identifier: Apache-2.0
#include "tests/support/test_bed.h"

#include <rte_eth_ring.h>
#include <rte_ethdev.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <optional>

#include "base/check.h"
#include "tests/support/frame_builder.h"

namespace causeway::test {
namespace {

std::size_t free_huge_pages() {
    std::size_t count = 0;
    std::ifstream("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages") >> count;
    return count;
}

constexpr unsigned kMemoryMib = 256;
bool got_huge_pages = false;

// One bed may follow another in a process, and DPDK's names are global to it.
std::string unique_name(const char* what) {
    static unsigned count = 0;
    return std::string(what) + std::to_string(count++);
}

Ring new_ring(const char* what, std::size_t size) {
    auto ring = make_ring({.name = unique_name(what), .size = static_cast<unsigned>(size)});
    CHECK(ring.has_value());
    return std::move(ring).value();
}

void start_device(std::uint16_t device, rte_mempool* pool) {
    const rte_eth_conf configuration{};
    CHECK(rte_eth_dev_configure(device, 1, 1, &configuration) == 0);
    CHECK(rte_eth_rx_queue_setup(device, 0, 0, 0, nullptr, pool) == 0);
    CHECK(rte_eth_tx_queue_setup(device, 0, 0, 0, nullptr) == 0);
    CHECK(rte_eth_dev_start(device) == 0);
}

}  // namespace

Eal& test_eal(Pages pages) {
    static std::optional<Eal> eal = [pages] {
        got_huge_pages = pages == Pages::kHuge && free_huge_pages() * 2 >= kMemoryMib;
        auto started = Eal::start({.control_core = 0,
                                   .worker_cores = {0},
                                   .pages = got_huge_pages ? Pages::kHuge : Pages::kNormal,
                                   .memory_mib = kMemoryMib,
                                   .extra_args = {}});
        if (!started) {
            std::fprintf(stderr, "EAL: %s\n", started.error().message.c_str());
            std::abort();
        }
        return std::optional<Eal>(std::move(started).value());
    }();
    return *eal;
}

bool has_huge_pages() {
    return got_huge_pages;
}

TestBed::TestBed(const TestBedOptions& options)
    : options_(options), states_(kAttachmentsMax), tpids_(kPortsMax), next_attachment_(kPortsMax) {
    test_eal();
    auto pool = make_packet_pool(
        {.name = unique_name("bed"), .count = static_cast<unsigned>(options.packets)});
    CHECK(pool.has_value());
    pool_ = std::move(pool).value();
    auto next_hops = NextHops::create(quiescence_);
    CHECK(next_hops.has_value());
    next_hops_ = std::move(next_hops).value();
    auto fib = Fib4::create(quiescence_, {});
    CHECK(fib.has_value());
    fib_ = std::move(fib).value();
    rib_ = std::make_unique<Rib4>(*fib_, *next_hops_, Rib4::Options{});
    auto fib6 = Fib6::create(quiescence_, {});
    CHECK(fib6.has_value());
    fib6_ = std::move(fib6).value();
    rib6_ = std::make_unique<Rib6>(*fib6_, *next_hops_, Rib6::Options{});
    punt_ =
        std::make_unique<Punt>(new_ring("up", kPuntRingSize), new_ring("down", kInjectRingSize));

    for (std::size_t port = 0; port < options.ports; ++port) {
        open_port(PortId(static_cast<std::uint8_t>(port)));
    }
    for (unsigned worker = 0; worker < options.workers; ++worker) {
        auto lane = NatLane::create(unique_name("nat"));
        CHECK(lane.has_value());
        nat_lanes_.push_back(std::move(lane).value());
    }
    for (unsigned worker = 0; worker < options.workers; ++worker) {
        workers_.push_back(
            std::make_unique<Worker>(options_of(worker), published_, quiescence_, *punt_));
    }
}

void TestBed::open_port(PortId port) {
    rx_rings_.push_back(new_ring("rx", options_.ring_size));
    tx_rings_.push_back(new_ring("tx", options_.ring_size));
    rte_ring* rx = rx_rings_.back().get();
    rte_ring* tx = tx_rings_.back().get();
    const int device = rte_eth_from_rings(unique_name("bed").c_str(), &rx, 1, &tx, 1, 0);
    CHECK(device >= 0);
    devices_.push_back(static_cast<std::uint16_t>(device));
    start_device(devices_.back(), pool_.get());
    if (options_.workers == 1) return;
    auto handover = Handover::create(
        {.name = unique_name("handover"),
         .port = port,
         .owner = WorkerId(static_cast<std::uint8_t>(port.value() % options_.workers)),
         .workers = options_.workers});
    CHECK(handover.has_value());
    handovers_.push_back(std::move(handover).value());
}

WorkerOptions TestBed::options_of(unsigned worker) const {
    WorkerOptions options{.id = WorkerId(static_cast<std::uint8_t>(worker)),
                          .rx = {},
                          .shared_rx = {},
                          .handovers = {},
                          .tx = {},
                          .nat_lanes = {},
                          .pool = pool_.get(),
                          .burst_size = options_.burst_size};
    for (const auto& lane : nat_lanes_) options.nat_lanes.push_back(lane.get());
    for (std::size_t port = 0; port < options_.ports; ++port) {
        const DeviceQueue queue{
            .port = PortId(static_cast<std::uint8_t>(port)), .device = devices_[port], .queue = 0};
        options.tx.push_back(queue);
        if (handovers_.empty()) {
            options.rx.push_back(queue);
        } else if (port % options_.workers == worker) {
            options.shared_rx.push_back({.queue = queue, .handover = handovers_[port].get()});
        } else {
            options.handovers.push_back(handovers_[port].get());
        }
    }
    return options;
}

TestBed::~TestBed() {
    handovers_.clear();
    workers_.clear();
    nat_lanes_.clear();
    for (std::size_t port = 0; port < options_.ports; ++port) {
        (void)sent(PortId(static_cast<std::uint8_t>(port)));
        void* mbuf = nullptr;
        while (rte_ring_dequeue(rx_rings_[port].get(), &mbuf) == 0) {
            rte_pktmbuf_free(static_cast<rte_mbuf*>(mbuf));
        }
        rte_eth_dev_stop(devices_[port]);
        rte_eth_dev_close(devices_[port]);
    }
    (void)punted();
    (void)posted();
}

void TestBed::turn() {
    for (const auto& worker : workers_) (void)worker->turn();
}

void TestBed::set_tpids(PortId port, PortTpids tpids) {
    tpids_[port.value()] = tpids;
}

AttachmentId TestBed::attach(PortId port, std::uint16_t outer, std::uint16_t inner, VrfId vrf) {
    const AttachmentId id(next_attachment_++);
    rows_.push_back({.key = {port, outer, inner}, .attachment = id});
    states_[id.value()] = {.vrf = vrf, .closed = Exit::kNone};
    return id;
}

void TestBed::close(AttachmentId attachment, Exit reason) {
    states_[attachment.value()].closed = reason;
}

void TestBed::take_ipv6_from(AttachmentId attachment) {
    states_[attachment.value()].policy |= kLacksIpv6;
}

Policies& TestBed::next_policies() {
    if (policies_.empty()) {
        policies_.push_back(std::make_unique<Policies>());
    } else if (policies_.back().get() == published_policies_) {
        policies_.push_back(std::make_unique<Policies>(*policies_.back()));
    }
    return *policies_.back();
}

void TestBed::set_policy(AttachmentId attachment, const AttachmentPolicy& policy) {
    next_policies().attachments[attachment.value()] = policy;
    states_[attachment.value()].policy = policy.bits();
}

void TestBed::set_nat(NatEngine& engine, NatTables tables) {
    engine.fill(tables);
    nat_ = std::make_unique<NatTables>(std::move(tables));
    for (AttachmentState& state : states_) {
        if (state.vrf == nat_->outside) state.policy |= kTranslates;
    }
}

VrfId TestBed::vrf() {
    const VrfId id(next_vrf_++);
    CHECK(rib_->create_vrf(id).has_value() && rib6_->create_vrf(id).has_value());
    return id;
}

NextHopId TestBed::neighbour(AttachmentId out, const IpAddress& address, const MacAddress& mac,
                             std::uint16_t mtu) {
    const auto row = std::ranges::find(rows_, out, &AttachmentTable::Row::attachment);
    CHECK(row != rows_.end());
    const PortTpids tpids = tpids_[row->key.port.value()];
    Adjacency way;
    way.kind = AdjacencyKind::kForward;
    way.port = row->key.port;
    way.attachment = out;
    way.mtu = mtu;
    FrameBuilder header = frame().to(mac).from(kRouterMac);
    header.tag(static_cast<std::uint16_t>(tpids.outer), row->key.outer);
    if (row->key.inner != 0) header.tag(static_cast<std::uint16_t>(tpids.inner), row->key.inner);
    const bool is_ipv4 = std::holds_alternative<Ipv4Address>(address);
    header.type(static_cast<std::uint16_t>(is_ipv4 ? EtherType::kIpv4 : EtherType::kIpv6));
    way.set_header(header.bytes());
    const auto id = next_hops_->acquire(out, address);
    CHECK(id.has_value());
    CHECK(next_hops_->set_forwarding(*id, way).has_value());
    return *id;
}

void TestBed::neighbour_down(NextHopId id) {
    next_hops_->set_down(id);
}

GroupId TestBed::group(std::span<const NextHopId> members) {
    std::vector<GroupMember> weighted;
    for (const NextHopId member : members) weighted.push_back({.next_hop = member, .weight = 1});
    const auto id = next_hops_->acquire_group(weighted);
    CHECK(id.has_value());
    return *id;
}

void TestBed::route(VrfId vrf, const IpPrefix& prefix, GroupId group) {
    const auto* const ipv4 = std::get_if<Ipv4Prefix>(&prefix);
    const Status added = ipv4 != nullptr ? rib_->add(vrf, *ipv4, RouteSource::kStatic, group)
                                         : rib6_->add(vrf, std::get<Ipv6Prefix>(prefix),
                                                      RouteSource::kStatic, group);
    CHECK(added.has_value());
}
void TestBed::route(VrfId vrf, const IpPrefix& prefix, NextHopId next_hop) {
    route(vrf, prefix, group({&next_hop, 1}));
}
void TestBed::route(VrfId vrf, const IpPrefix& prefix, AdjacencyKind kind) {
    route(vrf, prefix, special_group(kind));
}

void TestBed::publish() {
    auto tables = std::make_unique<Tables>();
    auto by_tag = AttachmentTable::build(rows_);
    CHECK(by_tag.has_value());
    tables->attachments_by_tag = std::move(by_tag).value();
    tables->attachments = states_;
    for (AttachmentState& state : tables->attachments) state.policy |= kRunsBfd;
    for (std::size_t port = 0; port < options_.ports; ++port) {
        tables->ports[port] = FramePattern(tpids_[port], kRouterMac);
    }
    tables->fib4 = fib_.get();
    tables->fib6 = fib6_.get();
    tables->next_hops = next_hops_.get();
    if (!policies_.empty()) tables->policies = policies_.back().get();
    published_policies_ = tables->policies;
    if (nat_ != nullptr) tables->nat = std::make_unique<NatTables>(*nat_);
    published_.publish(std::move(tables));
}

std::unique_ptr<Worker> TestBed::make_worker(const WorkerOptions& options, Punt& punt) {
    return std::make_unique<Worker>(options, published_, quiescence_, punt);
}

void TestBed::receive(PortId port, const Frame& frame) {
    rte_mbuf* mbuf = rte_pktmbuf_alloc(pool_.get());
    CHECK(mbuf != nullptr);
    char* at = rte_pktmbuf_append(mbuf, static_cast<std::uint16_t>(frame.size()));
    CHECK(at != nullptr);
    std::ranges::copy(frame, reinterpret_cast<std::uint8_t*>(at));  // memcpy refuses an empty one
    CHECK(rte_ring_enqueue(rx_ring(port), mbuf) == 0);
}

std::vector<Frame> TestBed::sent(PortId port) {
    std::vector<Frame> frames;
    void* object = nullptr;
    while (rte_ring_dequeue(tx_ring(port), &object) == 0) {
        Packet packet(static_cast<rte_mbuf*>(object));
        frames.emplace_back(packet.bytes().begin(), packet.bytes().end());
    }
    return frames;
}

std::vector<Packet> TestBed::punted() {
    std::vector<Packet> packets;
    std::array<rte_mbuf*, kBurstSizeMax> mbufs;
    while (const unsigned count = punt_->take_raised(mbufs)) {
        for (unsigned k = 0; k < count; ++k) packets.emplace_back(mbufs[k]);
    }
    return packets;
}

std::vector<BfdFrame> TestBed::posted() {
    std::vector<BfdFrame> frames;
    auto& up = punt_->bfd().up;
    for (const BfdFrame* frame = up.front(); frame != nullptr; frame = up.front()) {
        frames.push_back(*frame);
        up.pop();
    }
    return frames;
}

void TestBed::post(const BfdFrame& frame) {
    BfdFrame* const room = punt_->bfd().down.room();
    CHECK(room != nullptr);
    *room = frame;
    punt_->bfd().down.push();
}

void TestBed::inject(Packet packet) {
    rte_mbuf* mbuf = packet.release();
    CHECK(punt_->inject({&mbuf, 1}) == 1);
}

std::uint64_t TestBed::sum(AttachmentId row, Counter TrafficCounters::*what) const {
    std::uint64_t all = 0;
    for (const auto& worker : workers_) all += (worker->counters().traffic(row).*what).read();
    return all;
}

std::uint64_t TestBed::exits_of(AttachmentId row) const {
    std::uint64_t all = 0;
    for (const auto& worker : workers_) {
        for (std::size_t exit = 0; exit < kExitCount; ++exit) {
            all += worker->counters().exits(row, static_cast<Exit>(exit));
        }
    }
    return all;
}

std::string TestBed::unaccounted() const {
    std::uint64_t forwarded = 0;
    std::uint64_t transmitted = 0;
    std::uint64_t injected = 0;
    std::vector<std::uint64_t> of_port(options_.ports);
    for (const AttachmentTable::Row& row : rows_) {
        const std::uint64_t received = sum(row.attachment, &TrafficCounters::rx_packets);
        const std::uint64_t passed = sum(row.attachment, &TrafficCounters::forwarded_packets);
        of_port[row.key.port.value()] += received;
        forwarded += passed;
        transmitted += sum(row.attachment, &TrafficCounters::tx_packets);
        injected += sum(row.attachment, &TrafficCounters::injected_packets);
        if (received != passed + exits_of(row.attachment)) {
            return "attachment " + std::to_string(row.attachment.value()) + ": received " +
                   std::to_string(received) + ", forwarded " + std::to_string(passed) + ", exits " +
                   std::to_string(exits_of(row.attachment));
        }
    }
    for (std::size_t port = 0; port < options_.ports; ++port) {
        const AttachmentId row(static_cast<std::uint16_t>(port));
        const std::uint64_t received = sum(row, &TrafficCounters::rx_packets);
        if (received != of_port[port] + exits_of(row)) {
            return "port " + std::to_string(port) + ": received " + std::to_string(received) +
                   ", its attachments " + std::to_string(of_port[port]) + ", exits " +
                   std::to_string(exits_of(row));
        }
    }
    if (transmitted != forwarded + injected) {
        return "sent " + std::to_string(transmitted) + ", forwarded " + std::to_string(forwarded) +
               ", injected " + std::to_string(injected);
    }
    return {};
}

}  // namespace causeway::test
