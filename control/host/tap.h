// SPDX-License-Identifier: Apache-2.0
//
// Tap: an attachment's interface in the kernel: a TAP device (a frame a read, a frame a write) in
// the network namespace where its BGP and BFD run. It goes when its owner does.
//
// Thread safety: control thread only. Neither read() nor write() waits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "control/host/net_namespace.h"
#include "control/host/rtnetlink.h"

namespace causeway {

// A namespace with the socket that configures it.
class HostNamespace {
  public:
    [[nodiscard]] static Result<HostNamespace> open(const std::string& name);
    [[nodiscard]] const NetNamespace& where() const noexcept { return where_; }
    [[nodiscard]] RtNetlink& netlink() noexcept { return netlink_; }

  private:
    HostNamespace(NetNamespace where, RtNetlink netlink)
        : where_(std::move(where)), netlink_(std::move(netlink)) {}

    NetNamespace where_;
    RtNetlink netlink_;
};

enum class Carrier : std::uint8_t { kOff, kOn };

struct TapAddress {
    IpAddress address;
    int length = 0;  // of its subnet
};

struct TapOptions {
    std::string name;
    MacAddress mac;
    unsigned mtu = 1'500;  // bytes of layer 3
    std::vector<TapAddress> addresses;
};

class Tap {
  public:
    // Up, without carrier.
    [[nodiscard]] static Result<Tap> create(HostNamespace& where, const TapOptions& options);

    [[nodiscard]] int fd() const noexcept { return fd_.get(); }
    // What the kernel and its routing daemons take for the state of the link.
    void set_carrier(Carrier carrier);
    Status set_mtu(HostNamespace& where, unsigned mtu);
    // Gives it its addresses: again, so that those who listen to the kernel hear of them once more.
    Status put_addresses(HostNamespace& where);
    // Of the namespace's interfaces; those of one group can be deleted together.
    Status set_group(HostNamespace& where, std::uint32_t group) {
        return where.netlink().set_group(index_, group);
    }

    // The next frame that the kernel sends; its size, 0 where there is none.
    [[nodiscard]] std::size_t read(std::span<std::uint8_t> room) noexcept;
    // Hands the kernel a frame. False where it does not take it.
    [[nodiscard]] bool write(std::span<const std::uint8_t> frame) noexcept;

  private:
    Tap(Descriptor fd, std::string name, int index, std::vector<TapAddress> addresses)
        : fd_(std::move(fd)),
          name_(std::move(name)),
          index_(index),
          addresses_(std::move(addresses)) {}
    Status configure(HostNamespace& where, const TapOptions& options);

    Descriptor fd_;
    std::string name_;
    int index_;
    std::vector<TapAddress> addresses_;
};

}  // namespace causeway
