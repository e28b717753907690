// SPDX-License-Identifier: Apache-2.0
//
// FragmentTable: what the first fragment of a datagram, which alone has ports, says about the
// others. Those that come before it are kept by the caller, under a number of his (RFC 4787 REQ-14:
// fragments out of order). Everything is bounded: datagrams, what one of them may hold, what those
// of one sender may, and what all of them may; what exceeds a bound is refused and the rest goes
// on. Who sends fragments that nobody completes takes his own share, and not that of others.
//
// Thread safety: one worker's.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/types.h"
#include "nat/flow.h"
#include "nat/keyed_hash.h"
#include "nat/packet_view.h"
#include "nat/session_table.h"

namespace causeway {

// A datagram, as its fragments name it (RFC 791 3.2), on one side of the NAT.
struct DatagramKey {
    std::uint64_t addresses = 0;
    std::uint64_t rest = 0;  // pool, direction, protocol, identification; never zero
    [[nodiscard]] static DatagramKey of(const PacketView& fragment, NatDirection direction,
                                        NatPoolId pool) noexcept;
    friend constexpr bool operator==(const DatagramKey&, const DatagramKey&) = default;
};

enum class DatagramState : std::uint8_t {
    kWaiting,    // for its first fragment
    kKnown,      // translated like that
    kElsewhere,  // another worker's
    kRefused,    // as the first one was
    kLeft,       // as it is, like the first one
};
enum class Hairpin : std::uint8_t { kNo, kYes };

struct Datagram {
    static constexpr std::size_t kHeldMax = 8;

    DatagramKey key;
    std::uint64_t added = 0;  // in which order
    NatSeconds deadline = 0;
    DatagramState state = DatagramState::kWaiting;
    WorkerId worker;                 // kElsewhere
    Hairpin hairpin = Hairpin::kNo;  // kKnown: goes back in, after its source is rewritten
    std::uint8_t held = 0;           // kWaiting
    Ipv4Address address;             // kKnown: what stands in the place of its own
    std::array<std::uint64_t, kHeldMax> handles{};
};

class FragmentTable {
  public:
    struct Options {
        std::size_t datagrams_max = 16'384;  // rounded up to a power of two, at least one set
        std::size_t held_max = 1'024;        // fragments, of all datagrams
        HashSecret secret;
    };
    explicit FragmentTable(const Options& options);

    [[nodiscard]] Datagram* find(const DatagramKey& key, NatSeconds now) noexcept;
    // A new one, waiting. It may take the place of the oldest of its set that does not wait;
    // nullptr where all of them do.
    [[nodiscard]] Datagram* add(const DatagramKey& key, NatSeconds now,
                                NatSeconds deadline) noexcept;
    // Whether a datagram of this sender may hold another fragment. A new one that waits must.
    [[nodiscard]] bool has_room(const DatagramKey& key) const noexcept;
    // False where it may not hold another.
    [[nodiscard]] bool hold(Datagram& datagram, std::uint64_t handle) noexcept;
    // Its held fragments are to be tried again, or, with all that will come, to be dropped.
    void release(Datagram& datagram) noexcept;
    void refuse(Datagram& datagram) noexcept;

    // Looks at a few datagrams; their time being over, what they held is to be dropped. Once round
    // in at most datagrams_max / 8 calls.
    void expire(NatSeconds now) noexcept;

    // Since clear() was called last.
    [[nodiscard]] std::span<const std::uint64_t> released() const noexcept { return released_; }
    [[nodiscard]] std::span<const std::uint64_t> dropped() const noexcept { return dropped_; }
    void clear() noexcept {
        released_.clear();
        dropped_.clear();
    }
    [[nodiscard]] std::size_t held() const noexcept { return held_; }

  private:
    static constexpr std::size_t kWays = 8;
    // Senders whose hashes are alike share what one may hold.
    static constexpr std::size_t kSenders = 1'024;
    static constexpr std::size_t kSharesLeast = 8;  // so many senders fill the table together

    [[nodiscard]] std::size_t sender_of(const DatagramKey& key) const noexcept;
    [[nodiscard]] std::span<Datagram, kWays> set_of(const DatagramKey& key) noexcept;
    void move(Datagram& datagram, std::vector<std::uint64_t>& to) noexcept;
    void end(Datagram& datagram) noexcept;

    std::size_t held_max_;
    std::size_t held_by_one_max_;
    HashSecret secret_;
    std::vector<Datagram> datagrams_;  // sets of kWays
    std::size_t held_ = 0;
    std::vector<std::uint32_t> held_by_;  // by sender_of()
    std::uint64_t added_ = 0;
    std::size_t next_to_expire_ = 0;
    // Never longer than held_max, which is reserved: clear() is called before more can be held.
    std::vector<std::uint64_t> released_;
    std::vector<std::uint64_t> dropped_;
};

}  // namespace causeway
