// SPDX-License-Identifier: Apache-2.0
//
// RtNetlink: changes of a network namespace's interfaces and addresses (rtnetlink(7)), each asked
// of the kernel and acknowledged before the call returns.
//
// Thread safety: one thread at a time. It belongs to the namespace in which it was opened, wherever
// its thread is afterwards.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/result.h"
#include "base/types.h"
#include "control/host/net_namespace.h"

namespace causeway {

struct LinkSettings {
    std::optional<MacAddress> mac;
    std::optional<unsigned> mtu;  // bytes of layer 3
    // Makes no link-local IPv6 address of its own: ours are given, and usable at once.
    bool plain_ipv6 = false;
};

class RtNetlink {
  public:
    // In the namespace of the calling thread.
    [[nodiscard]] static Result<RtNetlink> open();

    // Sets it up, administratively, with these.
    Status set_up(int index, const LinkSettings& settings);
    // Our address on the interface, with its subnet; of IPv6 without waiting for others to object.
    // One that is there already stays, and the kernel tells everybody of it again.
    Status put_address(int index, const IpAddress& address, int length);

    // Puts it into a group of the namespace's interfaces; 0 is the one of all others.
    Status set_group(int index, std::uint32_t group);
    // Deletes all interfaces of a group, which costs little more than to delete one.
    Status delete_group(std::uint32_t group);

  private:
    explicit RtNetlink(Descriptor fd) noexcept : fd_(std::move(fd)) {}
    Status ask(std::span<const std::uint8_t> request, std::string_view what);

    Descriptor fd_;
};

}  // namespace causeway
