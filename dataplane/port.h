// SPDX-License-Identifier: Apache-2.0
//
// Port: one Ethernet device, from plugging it in to pulling it out.
//
// Thread safety: the control thread owns it. Workers use dpdk_id() and the queue numbers they were
// given, and have stopped polling before it is closed.
#pragma once

#include <rte_ethdev.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "base/result.h"
#include "base/types.h"
#include "dataplane/device_spec.h"
#include "dataplane/kernel_interface.h"
#include "dataplane/tag_filter.h"
#include "dataplane/xdp_leftovers.h"

namespace causeway {

struct PortOptions {
    PortId id;
    std::string name;        // the operator's, for messages
    std::string device;      // see device_spec.h
    unsigned rx_queues = 1;  // wished for: one a worker
    unsigned tx_queues = 1;  // wished for: one a worker
    unsigned rx_descriptors = 1'024;
    unsigned tx_descriptors = 1'024;
    unsigned mtu = 1'500;  // bytes of layer 3; room for two tags is added
};

struct PortCounters {
    std::uint64_t rx_packets = 0;
    std::uint64_t rx_bytes = 0;
    std::uint64_t rx_missed = 0;  // arrived, but the receive queue was full
    std::uint64_t rx_errors = 0;
    std::uint64_t rx_no_buffer = 0;  // the packet pool was empty
    std::uint64_t tx_packets = 0;
    std::uint64_t tx_bytes = 0;
    std::uint64_t tx_errors = 0;
};

class Port {
  public:
    // Plugs the device in, configures and starts it, promiscuous. `pool` must outlive the port.
    // Queues may be fewer than wished for: ask rx_queues() and tx_queues(). No tag is ever stripped
    // or inserted by the device. The error names port, device and the reason given below.
    [[nodiscard]] static Result<Port> open(const PortOptions& options, rte_mempool* pool);

    Port(Port&& other) noexcept;
    Port& operator=(Port&&) = delete;
    ~Port();  // stops, closes, unplugs; takes the tag filter off the interface

    [[nodiscard]] PortId id() const noexcept { return options_.id; }
    [[nodiscard]] std::uint16_t dpdk_id() const noexcept { return dpdk_id_; }
    [[nodiscard]] const std::string& name() const noexcept { return options_.name; }
    [[nodiscard]] const std::string& driver() const noexcept { return driver_; }
    [[nodiscard]] const MacAddress& mac() const noexcept { return mac_; }
    [[nodiscard]] unsigned rx_queues() const noexcept { return rx_queues_; }
    [[nodiscard]] unsigned tx_queues() const noexcept { return tx_queues_; }
    // Empty where the kernel does not know the device.
    [[nodiscard]] const std::string& kernel_interface() const noexcept { return spec_.interface; }

    // The device's word. The drivers of kernel interfaces say what was true at start for ever:
    // where kernel_interface() is not empty, believe the link monitor instead.
    [[nodiscard]] bool link_up() const noexcept;
    [[nodiscard]] PortCounters counters() const noexcept;
    [[nodiscard]] Status set_admin(AdminState state);

    // Of an af_xdp port: which tags come to us. Null on others, which deliver every frame.
    [[nodiscard]] TagFilter* tag_filter() noexcept { return filter_ ? &*filter_ : nullptr; }

  private:
    Port(const PortOptions& options, DeviceSpec spec, rte_mempool* pool)
        : options_(options), spec_(std::move(spec)), pool_(pool) {}
    Status claim_interface();
    Status plug();
    Status configure();
    void choose_queues(const rte_eth_dev_info& info);
    Status set_up_queues(const rte_eth_dev_info& info);
    Status start();
    Status spread_flows();
    void unplug() noexcept;
    [[nodiscard]] static Unexpected failed(std::string what, int error);

    static constexpr std::uint16_t kNone = RTE_MAX_ETHPORTS;

    PortOptions options_;
    DeviceSpec spec_;
    rte_mempool* pool_;
    std::optional<KernelInterface> interface_;
    std::optional<TagFilter> filter_;
    XdpLeftovers leftovers_;
    std::string driver_;
    MacAddress mac_;
    unsigned rx_queues_ = 0;
    unsigned tx_queues_ = 0;
    std::uint16_t dpdk_id_ = kNone;
};

}  // namespace causeway
