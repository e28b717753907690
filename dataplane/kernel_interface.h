// SPDX-License-Identifier: Apache-2.0
//
// KernelInterface: the kernel's side of a port that rests on one of its interfaces: what DPDK's
// drivers leave undone there.
//
// Thread safety: control thread only.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "base/result.h"

namespace causeway {

enum class AdminState : std::uint8_t { kDown, kUp };

class KernelInterface {
  public:
    // Takes the interface for this process: a second claim, by this or another process of the same
    // network namespace, is refused with kExists until this object or its process ends.
    [[nodiscard]] static Result<KernelInterface> claim(std::string name);

    KernelInterface(KernelInterface&& other) noexcept
        : name_(std::move(other.name_)),
          index_(other.index_),
          claim_fd_(std::exchange(other.claim_fd_, -1)) {}
    KernelInterface& operator=(KernelInterface&&) = delete;
    ~KernelInterface();

    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] int index() const noexcept { return index_; }

    Status set_admin(AdminState state);
    Status set_mtu(unsigned bytes);
    // How many receive queues spread the traffic of this interface: all must be polled.
    [[nodiscard]] unsigned receive_queues() const noexcept;
    // Forbids the device to take the tags out of received frames, where it can be forbidden.
    Status keep_tags_in_frames();

  private:
    KernelInterface(std::string name, int index, int claim_fd)
        : name_(std::move(name)), index_(index), claim_fd_(claim_fd) {}

    std::string name_;
    int index_;
    int claim_fd_;  // an abstract socket: names are unique in a network namespace, die with us
};

}  // namespace causeway
