// SPDX-License-Identifier: Apache-2.0
//
// NatBatch: the packets of a burst that are translated in one direction, and what became of them.
//
// A packet's session is asked of memory when it is added, so what the caller does between two
// packets is done while memory answers: fill it in the loop that chooses the packets.
//
// Thread safety: one thread's. The packets' bytes must outlive it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/limits.h"
#include "base/raw_array.h"
#include "base/types.h"
#include "nat/flow.h"

namespace causeway {

struct NatPacket {
    std::uint8_t* bytes = nullptr;  // from the IPv4 header on; contiguous, the caller's to write
    std::uint16_t size = 0;
    NatPoolId pool;            // of packets from inside: whose
    std::uint64_t handle = 0;  // by which a held fragment comes back
};

enum class NatOutcome : std::uint8_t {
    kTranslated,
    kUntouched,  // from outside and to no address of ours, or of a datagram of leave()
    kHandOver,
    kHeld,  // a fragment: keep it, and `stage`, until its handle is in released() or dropped()
    // Dropped:
    kMalformed,  // its layer 4 is cut off, or it is an ICMP error that does not add up
    kForeign,    // a protocol that has no ports
    kMidFlow,    // in the middle of a flow that nobody knows
    kNoMapping,  // from outside, to a port that nobody has
    kFiltered,
    kBusy,
    kHostsFull,
    kHostSessions,
    kHostPorts,
    kPoolExhausted,
    kMappingsFull,
    kSessionsFull,
    kFragmentsFull,
    kFragmentRefused,  // its datagram's first was
    kIcmpUnmatched,    // an error about nothing we have sent
    kNoPool,
};
inline constexpr std::size_t kNatOutcomes = 20;

struct NatResult {
    NatOutcome outcome = NatOutcome::kMalformed;
    WorkerId worker;                               // kHandOver: to whom
    NatDirection stage = NatDirection::kOutbound;  // kHandOver, kHeld: to which method
};

template <NatDirection direction>
class NatBatch {
  public:
    // At most kBurstSizeMax.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    // Bit i: the i-th packet has another result than kTranslated. From Translator::translate() on.
    [[nodiscard]] std::uint64_t untranslated() const noexcept { return untranslated_; }
    [[nodiscard]] NatResult result(std::size_t i) const noexcept {
        if ((untranslated_ >> i & 1) == 0) return {.outcome = NatOutcome::kTranslated};
        return results_[i];
    }

  private:
    friend class Translator;  // which fills it

    // Nothing is stored of a packet that is translated, which nearly all are.
    void settle(std::size_t i, const NatResult& result) noexcept {
        if (result.outcome == NatOutcome::kTranslated) [[likely]]
            return;
        results_[i] = result;
        untranslated_ |= std::uint64_t{1} << i;
    }

    RawArray<NatPacket, kBurstSizeMax> packets_;
    RawArray<NatResult, kBurstSizeMax> results_;
    RawArray<FlowKey, kBurstSizeMax> keys_;
    std::array<std::uint64_t, kBurstSizeMax> hashes_;
    std::size_t size_ = 0;
    std::uint64_t others_ = 0;  // bit i: the i-th packet is no whole packet of a flow; has no key
    std::uint64_t untranslated_ = 0;
};
static_assert(kBurstSizeMax <= 64, "a packet is a bit of 64");

}  // namespace causeway
