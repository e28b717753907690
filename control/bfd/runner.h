// SPDX-License-Identifier: Apache-2.0
//
// BfdRunner: the thread that runs the BFD sessions. It has no share in forwarding, so no load of
// packets delays it, and no part in control, so no long commit does. docs/design/bfd.md tells why.
//
// Thread safety: the constructor and the destructor by the control thread. ask() by any thread: it
// has the engine to itself meanwhile, and should be brief. The thread itself holds the lock for one
// turn at a time, some microseconds of each millisecond.
#pragma once

#include <cstdint>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "control/bfd/engine.h"
#include "dataplane/bfd/post.h"
#include "dataplane/bfd_arrivals.h"

namespace causeway {

class BfdRunner final : private BfdTransmitter {
  public:
    struct Options {
        std::uint32_t sessions_max = kBfdSessionsMax;
        std::uint64_t seed = 0;                    // another at each start
        std::vector<BfdPost*> workers;             // the first one sends
        std::vector<BfdArrivals*> past_workers{};  // what a kernel interface's filter took out
    };

    // Posts and arrivals must outlive the runner. Nothing happens before start().
    explicit BfdRunner(const Options& options);
    ~BfdRunner();
    BfdRunner(const BfdRunner&) = delete;
    BfdRunner& operator=(const BfdRunner&) = delete;

    void start();

    // ask(engine, now): whatever it returns.
    template <class Ask>
    decltype(auto) ask(Ask&& ask) {
        const std::scoped_lock lock(mutex_);
        return std::forward<Ask>(ask)(engine_, now_ns());
    }
    // Readable while there are changes that nobody has taken.
    [[nodiscard]] int fd() const noexcept { return changed_fd_; }
    [[nodiscard]] std::vector<BfdSessionStatus> take_changes();

    // What the thread does, again and again.
    void turn();

    [[nodiscard]] static std::uint64_t now_ns() noexcept;

  private:
    bool send(const BfdFrame& frame) override;
    void run(const std::stop_token& stop);

    Options options_;
    int changed_fd_;
    std::mutex mutex_;  // of engine_, and of the posts' ends
    BfdEngine engine_;
    std::jthread thread_;
};

}  // namespace causeway
