// SPDX-License-Identifier: Apache-2.0
//
// Handover: the spreading of flows over workers, where a device has fewer queues than there are
// workers. The worker that polls the queue keeps the frames of its own flows (dataplane/rss.h) and
// hands the others over, each to the worker whose flow it is.
//
// Thread safety: keep_own() on the worker that polls the queue, take() on the worker it names; each
// of the rings between them has one producer and one consumer. A frame belongs to whoever took it.
#pragma once

#include <rte_mbuf.h>

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/limits.h"
#include "base/result.h"
#include "base/types.h"
#include "dataplane/counters.h"
#include "dataplane/dpdk.h"

namespace causeway {

struct HandoverOptions {
    std::string name;  // of the rings; unique in the process
    PortId port;
    WorkerId owner;  // who polls the queue
    unsigned workers = 2;
};

class Handover {
  public:
    [[nodiscard]] static Result<std::unique_ptr<Handover>> create(const HandoverOptions& options);
    ~Handover();  // frees what nobody took
    Handover(const Handover&) = delete;
    Handover& operator=(const Handover&) = delete;

    [[nodiscard]] PortId port() const noexcept { return options_.port; }
    // Brings the owner's frames to the front, in their order, hands the others over, and returns
    // how many stay. What a ring has no room for is dropped and counted on the port's row
    // (Exit::kHandoverFull). REQUIRES: at most kBurstSizeMax frames.
    [[nodiscard]] unsigned keep_own(std::span<rte_mbuf*> frames, Counters& counters) noexcept;
    // What was handed to this worker, up to the size of `room`; how many.
    [[nodiscard]] unsigned take(WorkerId worker, std::span<rte_mbuf*> room) noexcept;

  private:
    struct Parcel {
        unsigned count = 0;
        std::array<rte_mbuf*, kBurstSizeMax> frames;
    };

    explicit Handover(const HandoverOptions& options) : options_(options) {}
    void deliver(unsigned worker, Counters& counters) noexcept;

    HandoverOptions options_;
    std::vector<Ring> rings_;  // by worker; the owner's stays empty
    std::array<Parcel, kWorkersMax> parcels_;
};

}  // namespace causeway
