// SPDX-License-Identifier: Apache-2.0
#include "dataplane/port.h"

#include <linux/if_packet.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_mbuf.h>

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstring>
#include <thread>
#include <vector>

#include "base/limits.h"
#include "dataplane/dpdk.h"
#include "dataplane/rss.h"

namespace causeway {
namespace {

constexpr unsigned kTagBytes = 2 * 4;
constexpr unsigned kEthernetBytes = 14;
constexpr unsigned kFcsBytes = 4;

// Not const, as DPDK's structs are not.
constinit auto symmetric_rss_key = kRssKey;
constexpr std::uint64_t kRssTypes = RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_FRAG_IPV4 |
                                    RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_NONFRAG_IPV4_UDP |
                                    RTE_ETH_RSS_IPV6 | RTE_ETH_RSS_NONFRAG_IPV6_TCP |
                                    RTE_ETH_RSS_NONFRAG_IPV6_UDP;

// net_af_packet reads from slots of 2 KiB, and the kernel cuts a longer frame without a word. It
// puts the frame behind its own header (tpacket_rcv) and takes the outer tag out of it.
constexpr unsigned kPacketSlotBytes = 2'048;
constexpr unsigned kPacketSlotHeader = TPACKET_ALIGN(TPACKET2_HDRLEN + 16);
constexpr unsigned kAfPacketMtuMax =
    kPacketSlotBytes - kPacketSlotHeader - kEthernetBytes - kTagBytes;

// net_af_xdp lends whole pool elements to the kernel, which wants them inside a page and keeps 256
// bytes at the front of each to itself (XDP_PACKET_HEADROOM).
constexpr unsigned kXdpElementMax = 4'096;
constexpr unsigned kXdpHeadroom = 256;

// How long the kernel may take to give back the queue of a closed socket: a grace period of its RCU
// and a turn of a work queue. Some 30 ms when idle.
constexpr std::chrono::milliseconds kQueueRelease{100};

std::string reason_not_to_lend(const rte_mempool& pool, unsigned mtu) {
    const unsigned element = pool.header_size + pool.elt_size + pool.trailer_size;
    auto* const mutable_pool = const_cast<rte_mempool*>(&pool);  // DPDK's getter wants it so
    const unsigned room = ::rte_pktmbuf_data_room_size(mutable_pool);
    const unsigned frame = mtu + kEthernetBytes + kTagBytes;
    if (pool.nb_mem_chunks != 1) {
        return "the packet pool lies in " + std::to_string(pool.nb_mem_chunks) +
               " pieces of memory, AF_XDP wants one (DPDK's --iova-mode=va)";
    }
    if (element > kXdpElementMax) {
        return "the packet pool has buffers of " + std::to_string(element) +
               " bytes, AF_XDP takes at most " + std::to_string(kXdpElementMax) +
               ": no port may have an MTU that needs larger ones";
    }
    if (room < RTE_PKTMBUF_HEADROOM + kXdpHeadroom + frame) {
        return "the packet pool's buffers are too small for an MTU of " + std::to_string(mtu);
    }
    return {};
}

std::optional<std::uint16_t> find_dpdk_port(const std::string& device) {
    for (std::uint16_t port = 0; port < RTE_MAX_ETHPORTS; ++port) {
        if (::rte_eth_dev_is_valid_port(port) == 0) continue;
        rte_eth_dev_info info{};
        if (::rte_eth_dev_info_get(port, &info) == 0 && device == ::rte_dev_name(info.device)) {
            return port;
        }
    }
    return std::nullopt;
}

// What a device calls MTU leaves out the Ethernet header, and tags or not as it pleases. The same
// reckoning as ethdev's own.
unsigned device_mtu(const rte_eth_dev_info& info, unsigned mtu) {
    const bool tells = info.max_mtu != UINT16_MAX && info.max_rx_pktlen > info.max_mtu;
    const unsigned overhead =
        tells ? info.max_rx_pktlen - info.max_mtu : kEthernetBytes + kFcsBytes;
    const unsigned needed = kEthernetBytes + kTagBytes + kFcsBytes;
    return mtu + (needed > overhead ? needed - overhead : 0U);
}

}  // namespace

Result<Port> Port::open(const PortOptions& options, rte_mempool* pool) {
    Result<DeviceSpec> spec = parse_device_spec(options.device);
    if (!spec) {
        return Unexpected(spec.error().code, "port " + options.name + ": " + spec.error().message);
    }
    Port port(options, std::move(*spec), pool);
    LogCapture log;
    Status status = port.claim_interface();
    if (status) status = port.plug();
    if (status) status = port.configure();
    if (status) status = port.start();
    if (status) return port;

    std::string message = "port " + options.name + " (" + options.device + "): ";
    message += status.error().message;
    if (const std::string logged = log.take(); !logged.empty()) message += ": " + logged;
    return Unexpected(status.error().code, std::move(message));
}

Port::Port(Port&& other) noexcept
    : options_(std::move(other.options_)),
      spec_(std::move(other.spec_)),
      pool_(other.pool_),
      interface_(std::move(other.interface_)),
      filter_(std::move(other.filter_)),
      leftovers_(std::move(other.leftovers_)),
      driver_(std::move(other.driver_)),
      mac_(other.mac_),
      rx_queues_(other.rx_queues_),
      tx_queues_(other.tx_queues_),
      dpdk_id_(std::exchange(other.dpdk_id_, kNone)) {}

Port::~Port() {
    if (dpdk_id_ != kNone) unplug();
}

void Port::unplug() noexcept {
    rte_eth_dev_info info{};
    const bool known = ::rte_eth_dev_info_get(dpdk_id_, &info) == 0;
    ::rte_eth_promiscuous_disable(dpdk_id_);
    ::rte_eth_dev_stop(dpdk_id_);
    ::rte_eth_dev_close(dpdk_id_);
    if (known) ::rte_dev_remove(info.device);
    if (spec_.kind != DeviceKind::kAfXdp) return;
    leftovers_.clean_up(*pool_);
    // The kernel frees the queue a moment after its socket was closed, on a work queue, and nothing
    // tells. Who opens the interface next would find it busy.
    std::this_thread::sleep_for(kQueueRelease);
}

// Existing interfaces only: one of a TAP is made by plugging it in.
Status Port::claim_interface() {
    const bool is_xdp = spec_.kind == DeviceKind::kAfXdp;
    if (!is_xdp && spec_.kind != DeviceKind::kAfPacket) return ok();
    if (!is_xdp && options_.mtu > kAfPacketMtuMax) {
        return Unexpected(ErrorCode::kInvalid,
                          "af_packet carries an MTU of at most " + std::to_string(kAfPacketMtuMax));
    }
    Result<KernelInterface> interface = KernelInterface::claim(spec_.interface);
    if (!interface) return Unexpected(interface.error());
    interface_.emplace(std::move(*interface));
    if (is_xdp) {
        if (std::string why = reason_not_to_lend(*pool_, options_.mtu); !why.empty()) {
            return Unexpected(ErrorCode::kInvalid, std::move(why));
        }
        if (Status status = remove_stale_tag_filter(spec_.interface); !status) return status;
        if (Status status = interface_->keep_tags_in_frames(); !status) return status;
    }
    if (Status status = interface_->set_mtu(options_.mtu + kTagBytes); !status) return status;
    return interface_->set_admin(AdminState::kUp);  // an AF_XDP socket binds to nothing else
}

Status Port::plug() {
    XdpDetails xdp;
    if (spec_.kind == DeviceKind::kAfXdp) {
        Result<std::string> program = find_tag_filter_object();
        if (!program) return Unexpected(program.error());
        xdp.program = *program;
        xdp.queues = interface_->receive_queues();
        if (xdp.queues > options_.rx_queues) {
            return Unexpected(
                ErrorCode::kInvalid,
                "the interface spreads frames over " + std::to_string(xdp.queues) +
                    " queues, but " + std::to_string(options_.rx_queues) +
                    " workers poll: the rest would be lost. Give it fewer queues (ethtool -L)");
        }
    }
    const EalDevice device = eal_device(spec_, options_.id, xdp);
    const int error =
        ::rte_eal_hotplug_add(device.bus.c_str(), device.name.c_str(), device.args.c_str());
    if (error == -EEXIST) return Unexpected(ErrorCode::kExists, "another port has this device");
    if (error < 0) return Unexpected(ErrorCode::kUnavailable, "the device cannot be opened");

    const std::optional<std::uint16_t> port = find_dpdk_port(device.name);
    if (!port) return Unexpected(ErrorCode::kUnavailable, "the device has no Ethernet port");
    dpdk_id_ = *port;
    if (spec_.kind != DeviceKind::kTap) return ok();

    Result<KernelInterface> interface = KernelInterface::claim(spec_.interface);
    if (!interface) return Unexpected(interface.error());
    interface_.emplace(std::move(*interface));
    return interface_->set_mtu(options_.mtu + kTagBytes);
}

Status Port::configure() {
    rte_eth_dev_info info{};
    if (const int error = ::rte_eth_dev_info_get(dpdk_id_, &info); error < 0) {
        return failed("the device cannot be asked what it can", error);
    }
    driver_ = info.driver_name;
    choose_queues(info);

    rte_eth_conf conf{};
    // Kernel interfaces have their MTU already; DPDK's drivers of them check it against less.
    if (!interface_) conf.rxmode.mtu = device_mtu(info, options_.mtu);
    if (rx_queues_ > 1 && (info.flow_type_rss_offloads & kRssTypes) != 0) {
        conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
        conf.rx_adv_conf.rss_conf.rss_key = symmetric_rss_key.data();
        conf.rx_adv_conf.rss_conf.rss_key_len = static_cast<std::uint8_t>(std::min<std::size_t>(
            info.hash_key_size == 0 ? 40U : info.hash_key_size, symmetric_rss_key.size()));
        conf.rx_adv_conf.rss_conf.rss_hf = info.flow_type_rss_offloads & kRssTypes;
    }
    if (const int error = ::rte_eth_dev_configure(dpdk_id_, static_cast<std::uint16_t>(rx_queues_),
                                                  static_cast<std::uint16_t>(tx_queues_), &conf);
        error < 0) {
        return failed("the device refuses its configuration", error);
    }
    if (spec_.kind != DeviceKind::kAfXdp) return set_up_queues(info);
    const XdpLeftovers before = XdpLeftovers::of_process();
    Status status = set_up_queues(info);
    leftovers_ = XdpLeftovers::of_process().without(before);
    return status;
}

void Port::choose_queues(const rte_eth_dev_info& info) {
    const bool is_nic = spec_.kind == DeviceKind::kPci;
    const bool has_rss = (info.flow_type_rss_offloads & kRssTypes) != 0;
    rx_queues_ = std::min<unsigned>(options_.rx_queues, info.max_rx_queues);
    tx_queues_ = std::min<unsigned>(options_.tx_queues, info.max_tx_queues);
    if (is_nic && !has_rss) rx_queues_ = 1;  // the others would never see a frame
    if (spec_.kind == DeviceKind::kTap) {
        rx_queues_ = 1;  // the kernel spreads by a hash of its own
        tx_queues_ = 1;  // and the driver wants as many as above
    }
}

Status Port::set_up_queues(const rte_eth_dev_info& info) {
    auto rx_descriptors = static_cast<std::uint16_t>(options_.rx_descriptors);
    auto tx_descriptors = static_cast<std::uint16_t>(options_.tx_descriptors);
    if (spec_.kind == DeviceKind::kAfXdp) {  // its rings are powers of two
        rx_descriptors = std::bit_ceil(rx_descriptors);
        tx_descriptors = std::bit_ceil(tx_descriptors);
    }
    if (const int error =
            ::rte_eth_dev_adjust_nb_rx_tx_desc(dpdk_id_, &rx_descriptors, &tx_descriptors);
        error < 0) {
        return failed("the device refuses its numbers of descriptors", error);
    }
    const auto socket = static_cast<unsigned>(::rte_eth_dev_socket_id(dpdk_id_));
    for (std::uint16_t queue = 0; queue < rx_queues_; ++queue) {
        const int error = ::rte_eth_rx_queue_setup(dpdk_id_, queue, rx_descriptors, socket,
                                                   &info.default_rxconf, pool_);
        if (error < 0) return failed("receive queue " + std::to_string(queue), error);
    }
    for (std::uint16_t queue = 0; queue < tx_queues_; ++queue) {
        const int error =
            ::rte_eth_tx_queue_setup(dpdk_id_, queue, tx_descriptors, socket, &info.default_txconf);
        if (error < 0) return failed("transmit queue " + std::to_string(queue), error);
    }
    return ok();
}

Status Port::start() {
    if (spec_.kind == DeviceKind::kAfXdp) {
        Result<TagFilter> filter = TagFilter::attach_to(spec_.interface);
        if (!filter) return Unexpected(filter.error());
        filter_.emplace(std::move(*filter));
    }
    if (const int error = ::rte_eth_dev_start(dpdk_id_); error < 0) {
        return failed("the device does not start", error);
    }
    if (Status status = spread_flows(); !status) return status;
    // Virtual devices without an address filter have no such mode and need none.
    const int promiscuous = ::rte_eth_promiscuous_enable(dpdk_id_);
    if (promiscuous < 0 && promiscuous != -ENOTSUP) {
        return failed("the device refuses promiscuous mode", promiscuous);
    }
    rte_ether_addr address{};
    if (const int error = ::rte_eth_macaddr_get(dpdk_id_, &address); error < 0) {
        return failed("the device has no address", error);
    }
    std::memcpy(mac_.bytes.data(), address.addr_bytes, mac_.bytes.size());
    return ok();
}

// Gives the device the indirection table of dataplane/rss.h. A device that has RSS and keeps its
// own table would send a flow's two links to two workers.
Status Port::spread_flows() {
    rte_eth_dev_info info{};
    if (rx_queues_ == 1 || ::rte_eth_dev_info_get(dpdk_id_, &info) < 0) return ok();
    if ((info.flow_type_rss_offloads & kRssTypes) == 0 || info.reta_size == 0) return ok();
    std::vector<rte_eth_rss_reta_entry64> table((info.reta_size + RTE_ETH_RETA_GROUP_SIZE - 1U) /
                                                RTE_ETH_RETA_GROUP_SIZE);
    static_assert(RTE_ETH_RETA_GROUP_SIZE == kRssSlots);
    for (rte_eth_rss_reta_entry64& group : table) {
        group.mask = UINT64_MAX;
        for (std::uint16_t slot = 0; slot < kRssSlots; ++slot) {
            group.reta[slot] = static_cast<std::uint16_t>(worker_of(slot, rx_queues_));
        }
    }
    const int error = ::rte_eth_dev_rss_reta_update(dpdk_id_, table.data(), info.reta_size);
    // A table in which the queues take turns is what devices begin with: the same, for powers of
    // two.
    if (error == -ENOTSUP && std::has_single_bit(rx_queues_)) return ok();
    return error < 0 ? Status(failed("the device refuses its RSS indirection table", error)) : ok();
}

Unexpected Port::failed(std::string what, int error) {
    return {ErrorCode::kUnavailable, std::move(what) + ": " + ::rte_strerror(-error)};
}

bool Port::link_up() const noexcept {
    rte_eth_link link{};
    return ::rte_eth_link_get_nowait(dpdk_id_, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

PortCounters Port::counters() const noexcept {
    rte_eth_stats stats{};
    if (::rte_eth_stats_get(dpdk_id_, &stats) != 0) return {};
    return {.rx_packets = stats.ipackets,
            .rx_bytes = stats.ibytes,
            .rx_missed = stats.imissed,
            .rx_errors = stats.ierrors,
            .rx_no_buffer = stats.rx_nombuf,
            .tx_packets = stats.opackets,
            .tx_bytes = stats.obytes,
            .tx_errors = stats.oerrors};
}

Status Port::set_admin(AdminState state) {
    if (interface_) return interface_->set_admin(state);
    const int error = state == AdminState::kUp ? ::rte_eth_dev_set_link_up(dpdk_id_)
                                               : ::rte_eth_dev_set_link_down(dpdk_id_);
    if (error == 0) return ok();
    return Unexpected(ErrorCode::kUnavailable, "port " + options_.name + " (" + options_.device +
                                                   ") cannot be set " +
                                                   (state == AdminState::kUp ? "up" : "down") +
                                                   ": " + ::rte_strerror(-error));
}

}  // namespace causeway
