// SPDX-License-Identifier: Apache-2.0
//
// Translator: one worker's NAT44. Packets go in as bytes and come out rewritten, or with the reason
// why not.
//
// The life of a flow. A packet from inside finds its session, is rewritten, and puts the session's
// end off. If there is none and it may begin a flow, the inside endpoint's mapping is held or made,
// and a session for this remote. A packet from outside likewise, but it can only use a mapping that
// is there and whose filtering lets it in (RFC 4787 5).
//
// Which worker. A flow belongs to the worker that its packets from inside reach, because there it
// begins; Steering says which, and ports are chosen so that packets from outside reach it, too.
// What comes to another worker all the same (ICMP, fragments, the last ports of a full pool) is
// handed over: the caller brings it to that worker's outbound() or inbound(), as `stage` says.
//
// Thread safety: one worker's, but for counter(), which any thread may read, and sessions().read().
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/check.h"
#include "base/limits.h"
#include "nat/event.h"
#include "nat/fragment_table.h"
#include "nat/mapping_table.h"
#include "nat/nat_batch.h"
#include "nat/packet_view.h"
#include "nat/session_table.h"
#include "nat/static_mappings.h"
#include "nat/tcp_state.h"

namespace causeway {

class Translator {
  public:
    struct Options {
        WorkerId worker;
        std::uint32_t sessions_max = 1'000'000;
        std::span<Session> session_lines;  // as SessionTable has them; none: its own
        FragmentTable::Options fragments;
        HashSecret secret;  // of buckets and of port choice (RFC 6056): random
        NatSeconds now = 0;
        PageSize pages = PageSize::kHuge;
        NatEventRing* events = nullptr;  // where the log learns of `logging`; may be none
        NatLogging logging = NatLogging::kBlocks;
    };

    // The mappings, which all workers share, must outlive it.
    [[nodiscard]] static Result<std::unique_ptr<Translator>> create(MappingTable& mappings,
                                                                    const Options& options);

    // Takes a packet into a batch, and asks memory for what its flow needs. Exceptions that are not
    // to be translated are the caller's: he does not add them.
    template <NatDirection direction>
    void add(NatBatch<direction>& batch, const NatPacket& packet) const noexcept {
        DCHECK(batch.size_ < kBurstSizeMax);
        const std::size_t i = batch.size_++;
        batch.packets_[i] = packet;
        if (!read_flow<direction>(batch.keys_[i], packet.bytes, packet.size, packet.pool))
            [[unlikely]] {
            batch.others_ |= std::uint64_t{1} << i;
            batch.keys_[i] = FlowKey();  // which no session has
        }
        batch.hashes_[i] = sessions_->hash_and_prefetch<direction>(batch.keys_[i]);
    }
    // All that were added, once.
    template <NatDirection direction>
    void translate(NatBatch<direction>& batch, const StaticMappings& statics,
                   NatSeconds now) noexcept;
    // The same of packets that lie side by side, a result each.
    template <NatDirection direction>
    void translate(std::span<const NatPacket> packets, std::span<NatResult> results,
                   const StaticMappings& statics, NatSeconds now) noexcept {
        DCHECK(packets.size() <= kBurstSizeMax && packets.size() == results.size());
        NatBatch<direction> batch;
        for (const NatPacket& packet : packets) add(batch, packet);
        translate(batch, statics, now);
        for (std::size_t i = 0; i < results.size(); ++i) results[i] = batch.result(i);
    }
    void outbound(std::span<const NatPacket> packets, std::span<NatResult> results,
                  const StaticMappings& statics, NatSeconds now) noexcept {
        translate<NatDirection::kOutbound>(packets, results, statics, now);
    }
    void inbound(std::span<const NatPacket> packets, std::span<NatResult> results,
                 const StaticMappings& statics, NatSeconds now) noexcept {
        translate<NatDirection::kInbound>(packets, results, statics, now);
    }

    // The caller leaves this first fragment from inside as it is: so will be the others.
    void leave(const NatPacket& first, const StaticMappings& statics, NatSeconds now) noexcept;

    // Gives a packet that was translated in this direction, and goes no further, the endpoint back
    // that it came with. False where that is not known any more, or it is none of a flow.
    [[nodiscard]] bool restore(NatDirection direction, const NatPacket& packet,
                               const StaticMappings& statics, NatSeconds now) const noexcept;

    // Handles of held fragments that are to be given to the method of their stage, or to be
    // dropped. Take them after each burst and after each expire(), then take_fragments().
    [[nodiscard]] std::span<const std::uint64_t> released() const noexcept {
        return fragments_.released();
    }
    [[nodiscard]] std::span<const std::uint64_t> dropped() const noexcept {
        return fragments_.dropped();
    }
    void take_fragments() noexcept { fragments_.clear(); }

    // Ends what is over, in short pieces: call it each turn. At most `pieces` times kWheelLanes
    // sessions; with no pieces only fragments, whatever the time of the sessions is. How many it
    // ended.
    std::size_t expire(NatSeconds now, std::size_t pieces) noexcept;
    // Ends one session, if it is still the one that was read. False where its host is busy.
    [[nodiscard]] bool clear(std::uint32_t session, std::uint32_t version) noexcept;

    // Before the worker starts: begins a session that an earlier process had, under the public
    // endpoint it had; `then` was the other's clock. False where its address is no pool's, its port
    // somebody else's, or a table full.
    [[nodiscard]] bool restore(const Session& saved, NatSeconds then, NatSeconds now) noexcept;
    // Whose a flow is; `inside` is its key from there.
    [[nodiscard]] WorkerId owner_of(const FlowKey& inside) const noexcept {
        return mappings_.steering().worker_of(inside.protocol(), inside.own(), inside.remote());
    }

    [[nodiscard]] const SessionTable& sessions() const noexcept { return *sessions_; }
    [[nodiscard]] std::uint64_t counter(NatOutcome outcome) const noexcept {
        return counters_[static_cast<std::size_t>(outcome)].load(std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t created() const noexcept {
        return created_.load(std::memory_order_relaxed);
    }

  private:
    // Sessions that begin or end side by side: all of a burst, so that their loads wait for memory
    // together; the ten lines of each stay in a second-level cache until they are used.
    static constexpr std::size_t kTogether = kBurstSizeMax;

    void count(NatOutcome outcome, std::uint64_t packets) noexcept {
        auto& counter = counters_[static_cast<std::size_t>(outcome)];
        counter.store(counter.load(std::memory_order_relaxed) + packets, std::memory_order_relaxed);
    }

    // What one call works with.
    struct Turn {
        const StaticMappings& statics;
        NatSeconds now;
    };
    // A mapping that could not be released, because its host was busy.
    struct Unreleased {
        PortRef port;
        Ipv4Address remote;
    };

    Translator(MappingTable& mappings, std::unique_ptr<SessionTable> sessions,
               const Options& options);

    template <NatDirection direction>
    void translate_rest(NatBatch<direction>& batch, std::uint64_t missing,
                        const Turn& turn) noexcept;
    template <NatDirection direction>
    [[nodiscard]] NatResult translate_one(PacketView& view, const NatPacket& packet,
                                          const Turn& turn) noexcept;

    // translator.cc: flows
    template <NatDirection direction>
    [[nodiscard]] NatResult flow(PacketView& view, const NatPacket& packet,
                                 const Turn& turn) noexcept;
    template <NatDirection direction>
    [[nodiscard]] NatResult pass_flow(const NatPacket& packet, std::uint32_t session,
                                      const Turn& turn) noexcept;
    template <NatDirection direction>
    [[nodiscard]] NatResult send_flow(const NatPacket& packet, std::uint32_t session,
                                      const Turn& turn) noexcept;
    template <NatDirection direction>
    [[nodiscard]] NatResult pass(PacketView& view, const NatPacket& packet, std::uint32_t session,
                                 const Turn& turn) noexcept;
    template <NatDirection direction>
    [[nodiscard]] NatResult rewrite(PacketView& view, const NatPacket& packet, Endpoint endpoint,
                                    Hairpin hairpin, const Turn& turn) noexcept;
    template <NatDirection direction>
    void refresh(std::uint32_t session, std::uint8_t tcp_flags, NatSeconds now) noexcept;
    template <NatDirection direction>
    [[nodiscard]] static bool may_refresh(const NatPoolSettings& settings) noexcept {
        return direction == NatDirection::kOutbound || settings.refresh == NatRefresh::kBothWays;
    }
    template <NatDirection direction>
    void change_state(std::uint32_t session, std::uint8_t tcp_flags, NatSeconds now,
                      const NatPoolSettings& settings) noexcept;

    // new_session.cc: flows without a session
    struct NewFlow {
        FlowKey inside;
        NatState state;      // not beside the other byte: as one number, they would be waited for
        std::uint64_t hash;  // of the key
        Hairpin hairpin;
    };
    template <NatDirection direction>
    [[nodiscard]] NatResult begin(PacketView& view, const NatPacket& packet,
                                  const Turn& turn) noexcept;
    [[nodiscard]] NatResult begin_from_inside(PacketView& view, const NatPacket& packet,
                                              const Turn& turn) noexcept;
    [[nodiscard]] NatResult begin_from_outside(PacketView& view, const NatPacket& packet,
                                               const Turn& turn) noexcept;
    [[nodiscard]] NatResult begin_or_pass(const NatBatch<NatDirection::kOutbound>& batch,
                                          std::size_t i, const MappingTable::Wish& wish,
                                          const Turn& turn) noexcept;
    void begin_together(std::span<const std::uint8_t> places,
                        NatBatch<NatDirection::kOutbound>& batch, const Turn& turn) noexcept;
    [[nodiscard]] MappingTable::Wish wish_of(const FlowKey& inside,
                                             std::uint64_t hash) const noexcept;
    // The session's number is for where it is kTranslated.
    [[nodiscard]] NatOutcome begin_session(const FlowKey& inside, std::uint64_t hash,
                                           const MappingTable::Wish& wish, const Turn& turn,
                                           std::uint32_t& session) noexcept;
    [[nodiscard]] std::uint32_t create_session(PortRef port, const NewFlow& flow,
                                               NatSeconds now) noexcept;
    [[nodiscard]] bool is_ours(Ipv4Address address, const StaticMappings& statics) const noexcept;
    // False where the host was busy, and nothing was released.
    [[nodiscard]] bool release(PortRef port, Ipv4Address remote) noexcept;
    [[nodiscard]] bool note(const MappingTable::Released& released) noexcept;
    void release_later(PortRef port, Ipv4Address remote) noexcept;
    void retry_releases() noexcept;
    void tell(const NatEvent& event) noexcept;
    void tell_block(NatEventKind kind, BlockRef block, NatPoolId pool, Ipv4Address host) noexcept;
    void tell_session(NatEventKind kind, std::uint32_t session) noexcept;
    std::size_t end_together(std::span<const SessionTable::Hashed> due, NatSeconds now) noexcept;
    // Ends a session whose mapping has been released.
    void end(const SessionTable::Hashed& over) noexcept;

    // translate_fragment.cc
    template <NatDirection direction>
    [[nodiscard]] NatResult later_fragment(PacketView& view, const NatPacket& packet,
                                           const Turn& turn) noexcept;
    template <NatDirection direction>
    void know_datagram(const PacketView& first, const NatPacket& packet, Ipv4Address address,
                       Hairpin hairpin, const Turn& turn) noexcept;
    template <NatDirection direction>
    void learn_datagram(const DatagramKey& key, const PacketView& first, const NatPacket& packet,
                        const NatResult& result, const Turn& turn) noexcept;
    template <NatDirection direction>
    [[nodiscard]] Datagram* datagram_of(const DatagramKey& key, const PacketView& first,
                                        const NatPacket& packet, const Turn& turn) noexcept;
    template <NatDirection direction>
    [[nodiscard]] NatSeconds datagram_deadline(const PacketView& view, const NatPacket& packet,
                                               const Turn& turn) const noexcept;

    // translate_icmp.cc
    struct FoundEnd {
        NatOutcome outcome = NatOutcome::kIcmpUnmatched;  // kTranslated: found
        Endpoint endpoint;
        WorkerId owner;  // kHandOver
    };
    template <NatDirection direction>
    [[nodiscard]] NatResult icmp_error(PacketView& view, const NatPacket& packet,
                                       const Turn& turn) noexcept;
    template <NatDirection direction>
    [[nodiscard]] FoundEnd other_end(NatProtocol protocol, Endpoint own, Endpoint remote,
                                     NatPoolId pool, const Turn& turn) const noexcept;

    // The other end of a flow: an ICMP query's has no port.
    [[nodiscard]] static Endpoint remote_of(NatProtocol protocol, Endpoint end) noexcept {
        if (protocol == NatProtocol::kIcmp) end.port = 0;
        return end;
    }
    // A packet that turns back: from outside it is of no pool.
    [[nodiscard]] static NatPacket as_inbound(NatPacket packet) noexcept {
        packet.pool = NatPoolId();
        return packet;
    }
    template <NatDirection direction>
    [[nodiscard]] static FlowKey key_of(const PacketView& view, NatPoolId pool) noexcept {
        if constexpr (direction == NatDirection::kOutbound) {
            return FlowKey::inside(pool, view.protocol, view.source,
                                   remote_of(view.protocol, view.destination));
        } else {
            return FlowKey::outside(view.protocol, view.destination,
                                    remote_of(view.protocol, view.source));
        }
    }

    // Notes and counts what became of a packet that had no session, or is none of a flow.
    template <NatDirection direction>
    void settle(NatBatch<direction>& batch, std::size_t i, const NatResult& result) noexcept {
        batch.settle(i, result);
        count(result.outcome, 1);
    }

    // The session of one packet, or kNoSession.
    template <NatDirection direction>
    [[nodiscard]] std::uint32_t find(const PacketView& view,
                                     const NatPacket& packet) const noexcept {
        const FlowKey key = key_of<direction>(view, packet.pool);
        const std::uint64_t hash = sessions_->hash_and_prefetch<direction>(key);
        return sessions_->confirm<direction>(sessions_->guess_and_prefetch<direction>(hash), hash,
                                             key);
    }

    WorkerId worker_;
    MappingTable& mappings_;
    std::unique_ptr<SessionTable> sessions_;
    FragmentTable fragments_;
    NatEventRing* events_;
    NatLogging logging_;
    std::array<Unreleased, 64> unreleased_{};
    std::size_t unreleased_count_ = 0;
    std::array<std::atomic<std::uint64_t>, kNatOutcomes> counters_{};
    std::atomic<std::uint64_t> created_ = 0;
};

}  // namespace causeway
