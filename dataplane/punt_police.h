// SPDX-License-Identifier: Apache-2.0
//
// PuntPolice: what may go to the control thread. A worker asks before it hands a packet up, so a
// flood costs a worker a look at its headers and the control thread nothing.
//
// Thread safety: admit() on any worker; counts() and limits() anywhere; the rest on the control
// thread. Buckets and counters are shared by the workers: exact, and touched by punted packets
// only.
//
// Theory of operation
//   A packet belongs to a class (punt_class.h) by its exit and its headers; headers beyond those
//   of IP are believed as far as they go, for the kernel judges them again. BGP and BFD are those
//   of the attachment's configured peer: a source that is no peer's gets no more than "rest".
//   Which BGP sessions are established the kernel tells: it acknowledges nothing, with ACK and
//   without SYN or RST, but a session that has shaken hands, and opens none of its own accord but
//   with SYN. So the control thread notes address and ports of such segments as they leave
//   (note_session()), and a flood that forges the peer's address does not know the ports.
//   Each class has a bucket of the attachment's and one of all attachments'. What the second
//   refuses is given back to the first.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/limits.h"
#include "base/types.h"
#include "dataplane/burst.h"
#include "dataplane/punt_class.h"

namespace causeway {

// Between whom BGP and BFD of an attachment run, in one family.
template <class Address>
struct PuntPeers {
    Address ours;
    Prefix<Address> peers;
};
struct PuntParties {
    std::optional<PuntPeers<Ipv4Address>> ipv4;
    std::optional<PuntPeers<Ipv6Address>> ipv6;
};

// A BGP session as the peer's packets show it.
struct BgpSession {
    IpAddress peer;
    std::uint16_t peer_port = 0;
    std::uint16_t our_port = 0;
};

struct PuntCounts {
    std::uint64_t passed = 0;
    std::uint64_t over_attachment = 0;  // refused by the attachment's bucket
    std::uint64_t over_total = 0;       // by that of all attachments
};

class PuntPolice {
  public:
    static constexpr std::uint16_t kBgpPort = 179;
    static constexpr std::size_t kSessionsMax = 8;  // of one attachment; the oldest makes room

    explicit PuntPolice(std::uint64_t ticks_per_second,
                        const PuntLimits& limits = kUsualPuntLimits);
    PuntPolice(const PuntPolice&) = delete;
    PuntPolice& operator=(const PuntPolice&) = delete;

    void set_limits(const PuntLimits& limits) noexcept;
    [[nodiscard]] const PuntLimits& limits() const noexcept { return limits_; }
    // Before the attachment is published; forgets whoever had its row before.
    void begin(AttachmentId attachment, const PuntParties& parties) noexcept;
    void note_session(AttachmentId attachment, const BgpSession& session) noexcept;

    // Whether a packet that ends by a punting exit may go up. Counts it either way.
    [[nodiscard]] bool admit(const PacketMeta& meta, std::uint64_t now_ticks) noexcept;
    [[nodiscard]] PuntClass class_of(const PacketMeta& meta) const noexcept;

    [[nodiscard]] PuntCounts counts(AttachmentId attachment, PuntClass of) const noexcept;

  private:
    using Number = std::atomic<std::uint64_t>;

    // One class of one attachment; what is written together lies together.
    struct Cell {
        Number full_at;
        Number passed;
        Number over_attachment;
        Number over_total;
    };
    // An address and a mask; IPv4 in the low half. No mask bits and no address: nobody.
    struct Party {
        Number ours_high, ours_low;
        Number peer_high, peer_low;
        Number mask_high, mask_low;
    };
    struct alignas(kCacheLine) Row {
        std::array<Cell, kPuntClassCount> cells;
        Party ipv4;
        Party ipv6;
        std::array<Number, kSessionsMax> sessions;  // fingerprints; 0: none
        std::uint32_t next_session;                 // the control thread's
    };
    struct alignas(kCacheLine) Total {
        Number full_at{0};
    };
    // A rate in the terms of virtual_schedule.h.
    struct Pace {
        Number cost{0};
        Number depth{0};
    };
    struct Unmap {
        void operator()(Row* rows) const noexcept;
    };

    template <class Address>
    void set_party(Party& party, const std::optional<PuntPeers<Address>>& peers) noexcept;
    [[nodiscard]] static bool is_between(const Party& party, const Ipv6Address& source,
                                         const Ipv6Address& destination) noexcept;
    [[nodiscard]] static std::uint64_t fingerprint_of(const Ipv6Address& peer,
                                                      std::uint16_t peer_port,
                                                      std::uint16_t our_port) noexcept;
    template <class Family>
    [[nodiscard]] PuntClass class_of_local(const PacketMeta& meta) const noexcept;
    [[nodiscard]] static bool take(Number& bucket, const Pace& pace, std::uint64_t now,
                                   std::uint64_t skew) noexcept;
    void set_pace(Pace& pace, const PuntRate& rate) noexcept;

    std::unique_ptr<Row[], Unmap> rows_;
    std::array<Total, kPuntClassCount> totals_;
    std::array<Pace, kPuntClassCount> attachment_paces_;
    std::array<Pace, kPuntClassCount> total_paces_;
    PuntLimits limits_;
    std::uint64_t hz_;
};

}  // namespace causeway
