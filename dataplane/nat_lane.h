// SPDX-License-Identifier: Apache-2.0
//
// NatLane: what others have for one worker's NAT: packets of its flows, from the workers that
// received them, and sessions to end, from the control thread.
//
// Thread safety: hand_over() by any worker, ask_to_clear() by the control thread, the others by the
// worker whose lane it is. A packet belongs to whoever took it.
#pragma once

#include <rte_mbuf.h>
#include <rte_ring.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "base/limits.h"
#include "base/result.h"
#include "dataplane/dpdk.h"

namespace causeway {

class NatLane {
  public:
    // A session, and which of those that have its place one after another.
    struct Ended {
        std::uint32_t session;
        std::uint32_t version;
    };

    // `name` is unique in the process.
    [[nodiscard]] static Result<std::unique_ptr<NatLane>> create(const std::string& name) {
        auto packets =
            make_ring({.name = name, .size = kHandoverRingSize, .users = RingUsers::kManyToOne});
        if (!packets) return Unexpected(packets.error());
        auto ended = make_ring({.name = name + "_clear", .size = kNatClearRingSize});
        if (!ended) return Unexpected(ended.error());
        return std::unique_ptr<NatLane>(
            new NatLane(std::move(packets).value(), std::move(ended).value()));
    }
    ~NatLane() {  // frees what nobody took
        rte_mbuf* mbuf = nullptr;
        while (take({&mbuf, 1}) == 1) rte_pktmbuf_free(mbuf);
    }
    NatLane(const NatLane&) = delete;
    NatLane& operator=(const NatLane&) = delete;

    // False where there is no room; the packet remains the caller's.
    [[nodiscard]] bool hand_over(rte_mbuf& mbuf) noexcept {
        return rte_ring_mp_enqueue(packets_.get(), &mbuf) == 0;
    }
    [[nodiscard]] unsigned take(std::span<rte_mbuf*> room) noexcept {
        return rte_ring_sc_dequeue_burst(packets_.get(), reinterpret_cast<void**>(room.data()),
                                         static_cast<unsigned>(room.size()), nullptr);
    }

    // Both numbers travel in the place of a pointer.
    [[nodiscard]] bool ask_to_clear(Ended ended) noexcept {
        const auto word = std::uint64_t{ended.version} << 32 | ended.session;
        return rte_ring_sp_enqueue(ended_.get(), reinterpret_cast<void*>(word)) == 0;
    }
    [[nodiscard]] std::optional<Ended> take_to_clear() noexcept {
        void* item = nullptr;
        if (rte_ring_sc_dequeue(ended_.get(), &item) != 0) return std::nullopt;
        const auto word = reinterpret_cast<std::uint64_t>(item);
        return Ended{.session = static_cast<std::uint32_t>(word),
                     .version = static_cast<std::uint32_t>(word >> 32)};
    }
    // For how many more there is room.
    [[nodiscard]] unsigned room_to_clear() const noexcept {
        return rte_ring_free_count(ended_.get());
    }

  private:
    NatLane(Ring packets, Ring ended) : packets_(std::move(packets)), ended_(std::move(ended)) {}

    Ring packets_;
    Ring ended_;
};

}  // namespace causeway
