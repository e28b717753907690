// SPDX-License-Identifier: Apache-2.0
//
// Translator: packets that have no session, and how they get one.
#include <algorithm>

#include "base/check.h"
#include "base/raw_array.h"
#include "nat/translator.h"

namespace causeway {
namespace {

NatOutcome outcome_of(NatRefusal refusal) noexcept {
    switch (refusal) {
        case NatRefusal::kNone:
            return NatOutcome::kTranslated;
        case NatRefusal::kBusy:
            return NatOutcome::kBusy;
        case NatRefusal::kNoMapping:
            return NatOutcome::kNoMapping;
        case NatRefusal::kFiltered:
            return NatOutcome::kFiltered;
        case NatRefusal::kHostsFull:
            return NatOutcome::kHostsFull;
        case NatRefusal::kHostSessions:
            return NatOutcome::kHostSessions;
        case NatRefusal::kHostPorts:
            return NatOutcome::kHostPorts;
        case NatRefusal::kPoolExhausted:
            return NatOutcome::kPoolExhausted;
        case NatRefusal::kMappingsFull:
            return NatOutcome::kMappingsFull;
    }
    return NatOutcome::kBusy;
}

NatState first_state(NatProtocol protocol, NatDirection direction) noexcept {
    switch (protocol) {
        case NatProtocol::kTcp:
            return direction == NatDirection::kOutbound ? NatState::kInsideInit
                                                        : NatState::kOutsideInit;
        case NatProtocol::kUdp:
            return NatState::kUdp;
        default:
            return NatState::kIcmp;
    }
}

}  // namespace

template <NatDirection direction>
NatResult Translator::begin(PacketView& view, const NatPacket& packet, const Turn& turn) noexcept {
    constexpr bool kIsOutbound = direction == NatDirection::kOutbound;
    if constexpr (kIsOutbound) {
        const auto outside = turn.statics.outside_of(packet.pool, view.protocol, view.source);
        if (outside) {
            const bool turns_back = is_ours(view.destination.address, turn.statics);
            return rewrite<direction>(view, packet, *outside,
                                      turns_back ? Hairpin::kYes : Hairpin::kNo, turn);
        }
        return begin_from_inside(view, packet, turn);
    } else {
        const auto inside = turn.statics.inside_of(view.protocol, view.destination);
        if (inside) return rewrite<direction>(view, packet, inside->endpoint, Hairpin::kNo, turn);
        return begin_from_outside(view, packet, turn);
    }
}
template NatResult Translator::begin<NatDirection::kOutbound>(PacketView&, const NatPacket&,
                                                              const Turn&) noexcept;
template NatResult Translator::begin<NatDirection::kInbound>(PacketView&, const NatPacket&,
                                                             const Turn&) noexcept;

NatResult Translator::begin_from_inside(PacketView& view, const NatPacket& packet,
                                        const Turn& turn) noexcept {
    const FlowKey inside = key_of<NatDirection::kOutbound>(view, packet.pool);
    if (const WorkerId owner = owner_of(inside); owner != worker_) {
        return {NatOutcome::kHandOver, owner, NatDirection::kOutbound};
    }
    if (!may_begin(view)) return {.outcome = NatOutcome::kMidFlow};
    const std::uint64_t hash = sessions_->hash_of(inside);
    std::uint32_t session = kNoSession;
    const NatOutcome outcome = begin_session(inside, hash, wish_of(inside, hash), turn, session);
    if (outcome != NatOutcome::kTranslated) return {.outcome = outcome};
    const Session& entry = (*sessions_)[session];
    return rewrite<NatDirection::kOutbound>(view, packet, entry.outside.own(),
                                            static_cast<Hairpin>(entry.flags), turn);
}

// A flow's ports are chosen by the hash of its key: the same each time it is asked for, and not to
// be guessed from outside.
MappingTable::Wish Translator::wish_of(const FlowKey& inside, std::uint64_t hash) const noexcept {
    return mappings_.wish({inside.pool(), inside.protocol(), inside.own()}, inside.remote().address,
                          hash);
}

// REQUIRES: a packet that may begin a flow, of this worker.
NatOutcome Translator::begin_session(const FlowKey& inside, std::uint64_t hash,
                                     const MappingTable::Wish& wish, const Turn& turn,
                                     std::uint32_t& session) noexcept {
    if (!mappings_.space().has_pool(wish.inside.pool)) return NatOutcome::kNoPool;
    if (sessions_->size() == sessions_->sessions_max()) return NatOutcome::kSessionsFull;
    const MappingTable::Held held = mappings_.hold(wish);
    if (held.refusal != NatRefusal::kNone) return outcome_of(held.refusal);
    if (held.lent) {
        tell_block(NatEventKind::kBlockLent, held.lent, wish.inside.pool,
                   wish.inside.endpoint.address);
    }
    session = create_session(
        held.port,
        {.inside = inside,
         .state = first_state(wish.inside.protocol, NatDirection::kOutbound),
         .hash = hash,
         .hairpin = is_ours(wish.remote, turn.statics) ? Hairpin::kYes : Hairpin::kNo},
        turn.now);
    return session == kNoSession ? NatOutcome::kSessionsFull : NatOutcome::kTranslated;
}

NatResult Translator::begin_from_outside(PacketView& view, const NatPacket& packet,
                                         const Turn& turn) noexcept {
    const std::uint32_t address = mappings_.space().find(view.destination.address);
    if (address == 0) {
        const bool is_static = turn.statics.has(view.destination.address);
        return {.outcome = is_static ? NatOutcome::kNoMapping : NatOutcome::kUntouched};
    }
    const PortRef port(address, view.protocol, view.destination.port);
    const auto inside = mappings_.peek(port);
    if (!inside) return {.outcome = NatOutcome::kNoMapping};
    const Endpoint remote = remote_of(view.protocol, view.source);
    const WorkerId owner = mappings_.steering().worker_of(view.protocol, inside->endpoint, remote);
    if (owner != worker_) return {NatOutcome::kHandOver, owner, NatDirection::kInbound};
    if (!may_begin(view)) return {.outcome = NatOutcome::kMidFlow};
    if (sessions_->size() == sessions_->sessions_max()) {
        return {.outcome = NatOutcome::kSessionsFull};
    }
    const MappingTable::Held held = mappings_.hold_from_outside(port, remote.address);
    if (held.refusal != NatRefusal::kNone) return {.outcome = outcome_of(held.refusal)};
    const FlowKey key =
        FlowKey::inside(held.inside.pool, held.inside.protocol, held.inside.endpoint, remote);
    const std::uint32_t session = create_session(
        port,
        {.inside = key,
         .state = first_state(view.protocol, NatDirection::kInbound),
         .hash = sessions_->hash_of(key),
         .hairpin = is_ours(remote.address, turn.statics) ? Hairpin::kYes : Hairpin::kNo},
        turn.now);
    if (session == kNoSession) return {.outcome = NatOutcome::kSessionsFull};
    return rewrite<NatDirection::kInbound>(view, packet, held.inside.endpoint, Hairpin::kNo, turn);
}

std::uint32_t Translator::create_session(PortRef port, const NewFlow& flow,
                                         NatSeconds now) noexcept {
    const PortSpace& space = mappings_.space();
    const NatTimers& timers = space.settings(flow.inside.pool()).timers;
    const std::uint32_t session =
        sessions_->insert({.inside = flow.inside,
                           .outside = flow.inside.seen_from_outside(space.endpoint(port)),
                           .mapping = port.bits(),
                           .created = now,
                           .deadline = now + timeout(timers, flow.state),
                           .state = static_cast<std::uint8_t>(flow.state),
                           .flags = static_cast<std::uint8_t>(flow.hairpin)},
                          flow.hash);
    if (session == kNoSession) {
        release_later(port, flow.inside.remote().address);
        return kNoSession;
    }
    created_.store(created() + 1, std::memory_order_relaxed);
    if (logging_ == NatLogging::kSessions) tell_session(NatEventKind::kSessionBegun, session);
    return session;
}

bool Translator::restore(const Session& saved, NatSeconds then, NatSeconds now) noexcept {
    const PortSpace& space = mappings_.space();
    const Endpoint remote = saved.inside.remote();
    const NatProtocol protocol = saved.inside.protocol();
    const std::uint32_t address = space.find(saved.outside.own().address);
    if (address == 0 || saved.deadline <= then) return false;
    // The configuration may have given the pool another number.
    const NatPoolId pool = space.pool(address);
    const PortRef port(address, protocol, saved.outside.own().port);
    const FlowKey inside = FlowKey::inside(pool, protocol, saved.inside.own(), remote);
    std::uint32_t session = kNoSession;
    sessions_->lookup(NatDirection::kOutbound, {&inside, 1}, {&session, 1});
    if (session != kNoSession) return false;
    const MappingTable::Held held =
        mappings_.hold_at({pool, protocol, inside.own()}, port, remote.address);
    if (held.refusal != NatRefusal::kNone) return false;
    if (held.lent) tell_block(NatEventKind::kBlockLent, held.lent, pool, inside.own().address);
    const NatSeconds longest =
        timeout(space.settings(pool).timers, static_cast<NatState>(saved.state));
    const NatSeconds age = then - std::min(saved.created, then);
    session = sessions_->insert({.inside = inside,
                                 .outside = saved.outside,
                                 .mapping = port.bits(),
                                 .created = now - std::min(age, now),
                                 .deadline = now + std::min(saved.deadline - then, longest),
                                 .state = saved.state,
                                 .flags = saved.flags},
                                sessions_->hash_of(inside));
    if (session == kNoSession) release_later(port, remote.address);
    return session != kNoSession;
}

// Plain flows from inside that have no session: all take each step together. Fetches all lines that
// the new sessions will be written to, also those that depend on the port, which is guessed: a
// claim is an atomic exchange and waits for every store before it.
void Translator::begin_together(std::span<const std::uint8_t> places,
                                NatBatch<NatDirection::kOutbound>& batch,
                                const Turn& turn) noexcept {
    DCHECK(places.size() <= kTogether);
    RawArray<MappingTable::Wish, kTogether> room;
    const std::span<MappingTable::Wish> wishes = room.first(places.size());
    sessions_->prefetch_free(places.size());
    for (std::size_t k = 0; k < places.size(); ++k) {
        wishes[k] = wish_of(batch.keys_[places[k]], batch.hashes_[places[k]]);
        mappings_.prefetch_host(wishes[k]);
    }
    for (MappingTable::Wish& wish : wishes) mappings_.prefetch_mapping(wish);
    for (std::size_t k = 0; k < places.size(); ++k) {
        if (!mappings_.space().has_pool(wishes[k].inside.pool)) continue;
        mappings_.prefetch_port(wishes[k]);
        if (wishes[k].port == PortRef()) continue;
        const Endpoint outside = mappings_.space().endpoint(wishes[k].port);
        sessions_->prefetch_key<NatDirection::kInbound>(
            sessions_->hash_of(batch.keys_[places[k]].seen_from_outside(outside)));
    }
    for (std::size_t k = 0; k < places.size(); ++k) {
        const std::uint8_t i = places[k];
        settle(batch, i, begin_or_pass(batch, i, wishes[k], turn));
    }
}

// A packet before it, in the same burst, may have begun its flow.
NatResult Translator::begin_or_pass(const NatBatch<NatDirection::kOutbound>& batch, std::size_t i,
                                    const MappingTable::Wish& wish, const Turn& turn) noexcept {
    constexpr NatDirection kOutbound = NatDirection::kOutbound;
    const NatPacket& packet = batch.packets_[i];
    const FlowKey& key = batch.keys_[i];
    const std::uint64_t hash = batch.hashes_[i];
    const std::uint32_t session = sessions_->find<kOutbound>(hash, key);
    if (session != kNoSession) return pass_flow<kOutbound>(packet, session, turn);
    const MappingTable::Inside& inside = wish.inside;
    if (turn.statics.outside_of(inside.pool, inside.protocol, inside.endpoint)) {
        PacketView view = view_of(packet.bytes, packet.size, Extent::kWhole);
        return begin<kOutbound>(view, packet, turn);
    }
    if (const WorkerId owner = owner_of(key); owner != worker_) {
        return {NatOutcome::kHandOver, owner, kOutbound};
    }
    if (inside.protocol == NatProtocol::kTcp &&
        !is_first_segment(tcp_flags_of(packet.bytes, inside.protocol))) {
        return {.outcome = NatOutcome::kMidFlow};
    }
    std::uint32_t begun = kNoSession;
    const NatOutcome outcome = begin_session(key, hash, wish, turn, begun);
    if (outcome != NatOutcome::kTranslated) return {.outcome = outcome};
    return send_flow<kOutbound>(packet, begun, turn);
}

bool Translator::is_ours(Ipv4Address address, const StaticMappings& statics) const noexcept {
    return mappings_.space().find(address) != 0 || statics.has(address);
}

bool Translator::release(PortRef port, Ipv4Address remote) noexcept {
    return note(mappings_.release(port, remote));
}

bool Translator::note(const MappingTable::Released& released) noexcept {
    if (released.returned) {
        tell_block(NatEventKind::kBlockReturned, released.returned, released.pool, released.host);
    }
    return released.is_done;
}

void Translator::release_later(PortRef port, Ipv4Address remote) noexcept {
    // Claims are held for some hundred nanoseconds, so it would take as many busy hosts at once to
    // wait here.
    while (unreleased_count_ == unreleased_.size()) retry_releases();
    unreleased_[unreleased_count_++] = {port, remote};
}

void Translator::retry_releases() noexcept {
    std::size_t left = 0;
    for (std::size_t i = 0; i < unreleased_count_; ++i) {
        if (!release(unreleased_[i].port, unreleased_[i].remote)) {
            unreleased_[left++] = unreleased_[i];
        }
    }
    unreleased_count_ = left;
}

void Translator::tell(const NatEvent& event) noexcept {
    events_->put([&](NatEvent& record) noexcept {
        record = event;
        record.at = sessions_->clock();
    });
}

// A log of sessions has the blocks, too: they are few.
void Translator::tell_block(NatEventKind kind, BlockRef block, NatPoolId pool,
                            Ipv4Address host) noexcept {
    if (logging_ == NatLogging::kNothing) return;
    const PortSpace& space = mappings_.space();
    tell({.inside = {host, 0},
          .outside = {space.address(block.address()), block.first_port()},
          .pool = pool,
          .ports = static_cast<std::uint16_t>(space.settings(pool).block_ports),
          .kind = kind});
}

void Translator::tell_session(NatEventKind kind, std::uint32_t session) noexcept {
    const Session& entry = (*sessions_)[session];
    tell({.inside = entry.inside.own(),
          .outside = entry.outside.own(),
          .remote = entry.inside.remote(),
          .pool = entry.inside.pool(),
          .kind = kind,
          .protocol = entry.inside.protocol()});
}

}  // namespace causeway
