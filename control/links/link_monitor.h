// SPDX-License-Identifier: Apache-2.0
//
// LinkMonitor: tells which kernel interfaces can carry frames, as soon as the kernel knows. DPDK's
// drivers of kernel interfaces report the state at start for ever; a dead link is noticed here.
//
// Thread safety: one thread, which waits for fd() in its event loop and never blocks in here.
//
// Theory of operation
//   A netlink socket (rtnetlink(7)) gets every change of the network namespace it was opened in.
//   Its first message asks for all interfaces, so that the initial state comes as changes, too. If
//   the kernel drops changes because we were slow (ENOBUFS), it asks again; what the answer no
//   longer names is gone.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "control/links/link_messages.h"

namespace causeway {

struct LinkChange {
    int index = 0;
    std::string_view name;  // valid during the call
    CarrierState state = CarrierState::kDown;
};

class LinkMonitor {
  public:
    using Callback = std::function<void(const LinkChange&)>;

    [[nodiscard]] static Result<LinkMonitor> open();
    LinkMonitor(LinkMonitor&& other) noexcept
        : fd_(std::exchange(other.fd_, -1)),
          links_(std::move(other.links_)),
          dump_(other.dump_),
          generation_(other.generation_) {}
    LinkMonitor& operator=(LinkMonitor&&) = delete;
    ~LinkMonitor();

    [[nodiscard]] int fd() const noexcept { return fd_; }  // readable: call drain()

    // Reads all there is and calls back for each link whose state or name is not what was told
    // before. An error means that the monitor is of no more use.
    Status drain(const Callback& changed);

  private:
    struct Link {
        std::string name;
        CarrierState state = CarrierState::kDown;
        std::uint32_t generation = 0;  // of the dump that named it last
    };
    // A dump that is under way may be stale already; then it is asked for once more at its end.
    enum class Dump : std::uint8_t { kNone, kUnderWay, kUnderWayStale };

    explicit LinkMonitor(int fd) : fd_(fd) {}
    Status request_dump();
    Status hear(const LinkNews& news, const Callback& changed);
    Status finish_dump(const Callback& changed);
    void note(int index, std::string_view name, CarrierState state, const Callback& changed);
    void forget(int index, const Callback& changed);

    int fd_;
    std::map<int, Link> links_;
    Dump dump_ = Dump::kNone;
    std::uint32_t generation_ = 0;
};

}  // namespace causeway
