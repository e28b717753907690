// SPDX-License-Identifier: Apache-2.0
//
// NatWorker: a worker's own part of NAT44: what its translator cannot finish with one packet.
//
//   - Packets whose session another worker has go to that worker's lane, and those that come by
//     ours walk on here. In the steady state there are none: ports are chosen so that both
//     directions of a flow reach one worker (nat/steering.h).
//   - Fragments that come before the first of their datagram wait, and walk on when it has come.
//   - Sessions end in short pieces, each turn some.
//
// A packet that waits is nobody's but ours, with all that is to be known of it in its PuntNote. It
// resumes its walk at Translate.
//
// Thread safety: its worker's, but for the counters, which anyone may read.
#pragma once

#include <rte_mbuf.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/limits.h"
#include "base/types.h"
#include "dataplane/burst.h"
#include "dataplane/counters.h"
#include "dataplane/nat_lane.h"
#include "dataplane/nat_tables.h"
#include "nat/translator.h"

namespace causeway {

class NatWorker {
  public:
    // The lanes of all workers, by their ids; none where nobody has another.
    NatWorker(WorkerId id, std::vector<NatLane*> lanes, Counters& counters);
    ~NatWorker();  // frees what waits
    NatWorker(const NatWorker&) = delete;
    NatWorker& operator=(const NatWorker&) = delete;

    // Once a turn: ends what is over and what is to be cleared.
    void begin_turn(const NatTables& tables) noexcept;
    // Packets that walk on now, all from one port; as many as there are and `room` holds.
    [[nodiscard]] unsigned take(std::span<rte_mbuf*> room) noexcept;

    // For Translate.
    [[nodiscard]] Translator& translator() noexcept { return *translator_; }
    [[nodiscard]] NatSeconds now() const noexcept { return now_; }
    // What a translator calls a packet that it may want held.
    [[nodiscard]] static std::uint64_t handle_of(rte_mbuf& mbuf) noexcept {
        return reinterpret_cast<std::uint64_t>(&mbuf);
    }
    // Takes over a packet that is to be held, or handed over; how it leaves the walk.
    [[nodiscard]] Exit hold(Burst& burst, const PacketMeta& meta, rte_mbuf& mbuf) noexcept;
    [[nodiscard]] Exit hand_over(Burst& burst, const PacketMeta& meta, rte_mbuf& mbuf,
                                 WorkerId to) noexcept;
    // Fragments that need not wait any longer. After each burst of the translator's.
    void collect_fragments() noexcept;

    // What the control thread is to answer, and not to send on, goes up to it as it came, because
    // an ICMP error quotes it.
    void restore(PacketMeta& meta, const Tables& tables) noexcept;

    // Packets that changed workers because of NAT: those that came here.
    [[nodiscard]] std::uint64_t taken_over() const noexcept { return taken_over_.read(); }
    [[nodiscard]] std::uint64_t cleared() const noexcept { return cleared_.read(); }

  private:
    void clear_some() noexcept;
    void drop(rte_mbuf* mbuf, Exit exit) noexcept;
    void wait(rte_mbuf* mbuf) noexcept;

    WorkerId id_;
    std::vector<NatLane*> lanes_;
    Counters& counters_;
    Translator* translator_ = nullptr;  // from the first turn with tables that have one
    NatSeconds now_ = 0;
    unsigned turns_ = 0;
    std::vector<rte_mbuf*> waiting_;  // at most kNatResumedMax; those before next_ have gone
    std::size_t next_ = 0;
    std::optional<NatLane::Ended> to_clear_;  // its host was busy
    Counter taken_over_;
    Counter cleared_;
};

}  // namespace causeway
