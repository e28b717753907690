// SPDX-License-Identifier: Apache-2.0
#include "nat/translator.h"

#include <bit>
#include <utility>

#include "base/raw_array.h"

namespace causeway {

Result<std::unique_ptr<Translator>> Translator::create(MappingTable& mappings,
                                                       const Options& options) {
    auto sessions = SessionTable::create({.sessions_max = options.sessions_max,
                                          .lines = options.session_lines,
                                          .secret = options.secret,
                                          .now = options.now,
                                          .pages = options.pages});
    if (!sessions) return Unexpected(sessions.error());
    return std::unique_ptr<Translator>(
        new Translator(mappings, std::move(sessions).value(), options));
}

Translator::Translator(MappingTable& mappings, std::unique_ptr<SessionTable> sessions,
                       const Options& options)
    : worker_(options.worker),
      mappings_(mappings),
      sessions_(std::move(sessions)),
      fragments_(options.fragments),
      events_(options.events),
      logging_(options.events == nullptr ? NatLogging::kNothing : options.logging) {}

// Whole packets of flows, which are nearly all, look their sessions up together; those that have
// none come next, and then what needs more thought.
template <NatDirection direction>
void Translator::translate(NatBatch<direction>& batch, const StaticMappings& statics,
                           NatSeconds now) noexcept {
    const Turn turn{statics, now};
    const std::size_t size = batch.size_;
    std::array<std::uint32_t, kBurstSizeMax> found;
    for (std::size_t i = 0; i < size; ++i) {
        found[i] = sessions_->guess_and_prefetch<direction>(batch.hashes_[i]);
    }
    std::uint64_t missing = 0;
    for (std::size_t i = 0; i < size; ++i) {
        const std::uint32_t session =
            sessions_->confirm<direction>(found[i], batch.hashes_[i], batch.keys_[i]);
        if (session == kNoSession) [[unlikely]] {
            missing |= std::uint64_t{1} << i;
            continue;
        }
        const NatResult result = pass_flow<direction>(batch.packets_[i], session, turn);
        batch.settle(i, result);
        if (result.outcome != NatOutcome::kTranslated) [[unlikely]]
            count(result.outcome, 1);
    }
    const auto not_passed = static_cast<std::size_t>(std::popcount(missing | batch.untranslated_));
    count(NatOutcome::kTranslated, size - not_passed);
    if (missing != 0) translate_rest<direction>(batch, missing, turn);
}

// Bit i of `missing`: the i-th packet has no session, or is no whole packet of a flow.
template <NatDirection direction>
void Translator::translate_rest(NatBatch<direction>& batch, std::uint64_t missing,
                                const Turn& turn) noexcept {
    std::array<std::uint8_t, kBurstSizeMax> places;  // of those that have no session yet
    std::size_t flows = 0;
    for (std::uint64_t left = missing & ~batch.others_; left != 0; left &= left - 1) {
        places[flows++] = static_cast<std::uint8_t>(std::countr_zero(left));
    }
    const auto view_at = [&batch](std::size_t i) noexcept {
        return view_of(batch.packets_[i].bytes, batch.packets_[i].size, Extent::kWhole);
    };
    if constexpr (direction == NatDirection::kOutbound) {
        begin_together(std::span(places).first(flows), batch, turn);
    } else {
        for (const std::uint8_t i : std::span(places).first(flows)) {
            PacketView view = view_at(i);
            settle(batch, i, flow<direction>(view, batch.packets_[i], turn));
        }
    }
    for (std::uint64_t left = missing & batch.others_; left != 0; left &= left - 1) {
        const auto i = static_cast<std::size_t>(std::countr_zero(left));
        PacketView view = view_at(i);
        settle(batch, i, translate_one<direction>(view, batch.packets_[i], turn));
    }
}
template void Translator::translate(NatBatch<NatDirection::kOutbound>&, const StaticMappings&,
                                    NatSeconds) noexcept;
template void Translator::translate(NatBatch<NatDirection::kInbound>&, const StaticMappings&,
                                    NatSeconds) noexcept;

template <NatDirection direction>
NatResult Translator::translate_one(PacketView& view, const NatPacket& packet,
                                    const Turn& turn) noexcept {
    switch (view.shape) {
        case PacketShape::kFlow:
            return flow<direction>(view, packet, turn);
        case PacketShape::kIcmpError:
            return icmp_error<direction>(view, packet, turn);
        case PacketShape::kLaterFragment:
            return later_fragment<direction>(view, packet, turn);
        case PacketShape::kMalformed:
            return {.outcome = NatOutcome::kMalformed};
        case PacketShape::kForeign:
            break;
    }
    if (direction == NatDirection::kInbound && !is_ours(view.destination.address, turn.statics)) {
        return {.outcome = NatOutcome::kUntouched};
    }
    return {.outcome = NatOutcome::kForeign};
}

template <NatDirection direction>
NatResult Translator::flow(PacketView& view, const NatPacket& packet, const Turn& turn) noexcept {
    const bool is_fragment = view.is_fragment;
    const DatagramKey datagram_key =
        is_fragment ? DatagramKey::of(view, direction, packet.pool) : DatagramKey();
    const std::uint32_t session = find<direction>(view, packet);
    const NatResult result = session != kNoSession ? pass<direction>(view, packet, session, turn)
                                                   : begin<direction>(view, packet, turn);
    if (is_fragment && result.outcome != NatOutcome::kTranslated) {
        learn_datagram<direction>(datagram_key, view, packet, result, turn);
    }
    return result;
}

// RFC 4787 REQ-6 and RFC 6146 3.5.2.2.
template <NatDirection direction>
inline void Translator::refresh(std::uint32_t session, std::uint8_t tcp_flags,
                                NatSeconds now) noexcept {
    const Session& entry = (*sessions_)[session];
    const NatPoolSettings& settings = mappings_.space().settings(entry.inside.pool());
    const auto state = static_cast<NatState>(entry.state);
    if (!is_steady(state, tcp_flags) || !may_refresh<direction>(settings)) [[unlikely]]
        return change_state<direction>(session, tcp_flags, now, settings);
    sessions_->touch(session, now + timeout(settings.timers, state), entry.state);
}

template <NatDirection direction>
void Translator::change_state(std::uint32_t session, std::uint8_t tcp_flags, NatSeconds now,
                              const NatPoolSettings& settings) noexcept {
    const Session& entry = (*sessions_)[session];
    const auto before = static_cast<NatState>(entry.state);
    const NatState after = next_state<direction>(before, tcp_flags);
    const bool lives_on =
        after != before || (may_refresh<direction>(settings) && refreshes(after, tcp_flags));
    sessions_->touch(session, lives_on ? now + timeout(settings.timers, after) : entry.deadline,
                     static_cast<std::uint8_t>(after));
}

// As pass(), of a packet that read_flow() has read.
template <NatDirection direction>
NatResult Translator::pass_flow(const NatPacket& packet, std::uint32_t session,
                                const Turn& turn) noexcept {
    const NatProtocol protocol = (*sessions_)[session].inside.protocol();
    refresh<direction>(session, tcp_flags_of(packet.bytes, protocol), turn.now);
    return send_flow<direction>(packet, session, turn);
}

// `inline`, as the compiler would not: ten cycles of a packet whose session is known.
template <NatDirection direction>
inline NatResult Translator::send_flow(const NatPacket& packet, std::uint32_t session,
                                       const Turn& turn) noexcept {
    constexpr bool kIsOutbound = direction == NatDirection::kOutbound;
    const Session& entry = (*sessions_)[session];
    rewrite_flow(packet.bytes, entry.inside.protocol(),
                 kIsOutbound ? End::kSource : End::kDestination,
                 kIsOutbound ? entry.outside.own() : entry.inside.own());
    if (!kIsOutbound || entry.flags == 0) [[likely]]
        return {.outcome = NatOutcome::kTranslated};
    // RFC 4787 REQ-9: with the external source address and port.
    PacketView view = view_of(packet.bytes, packet.size, Extent::kWhole);
    return flow<NatDirection::kInbound>(view, as_inbound(packet), turn);
}

template <NatDirection direction>
NatResult Translator::pass(PacketView& view, const NatPacket& packet, std::uint32_t session,
                           const Turn& turn) noexcept {
    const Session& entry = (*sessions_)[session];
    refresh<direction>(session, view.tcp_flags, turn.now);
    const bool is_outbound = direction == NatDirection::kOutbound;
    return rewrite<direction>(view, packet, is_outbound ? entry.outside.own() : entry.inside.own(),
                              is_outbound && entry.flags != 0 ? Hairpin::kYes : Hairpin::kNo, turn);
}

template <NatDirection direction>
NatResult Translator::rewrite(PacketView& view, const NatPacket& packet, Endpoint endpoint,
                              Hairpin hairpin, const Turn& turn) noexcept {
    constexpr bool kIsOutbound = direction == NatDirection::kOutbound;
    if (view.is_fragment) [[unlikely]] {
        know_datagram<direction>(view, packet, endpoint.address, hairpin, turn);
    }
    rewrite_endpoint(view, kIsOutbound ? End::kSource : End::kDestination, endpoint);
    if (hairpin == Hairpin::kNo) [[likely]]
        return {.outcome = NatOutcome::kTranslated};
    // RFC 4787 REQ-9: with the external source address and port.
    return flow<NatDirection::kInbound>(view, as_inbound(packet), turn);
}

std::size_t Translator::expire(NatSeconds now, std::size_t pieces) noexcept {
    if (pieces != 0) sessions_->set_clock(now);
    fragments_.expire(now);
    retry_releases();
    std::size_t ended = 0;
    std::array<SessionTable::Hashed, kTogether> room;
    const std::span<SessionTable::Hashed> due(room);
    static_assert(kTogether % kWheelLanes == 0);
    while (pieces > 0 && sessions_->is_behind(now)) {
        std::size_t count = 0;
        while (pieces > 0 && sessions_->is_behind(now) && due.size() - count >= kWheelLanes) {
            count += sessions_->take_due(now, due.subspan(count).first<kWheelLanes>());
            --pieces;
        }
        ended += end_together(due.first(count), now);
    }
    return ended;
}

// As with new sessions: rounds of loads that do not wait for each other. Returns how many it ended.
std::size_t Translator::end_together(std::span<const SessionTable::Hashed> due,
                                     NatSeconds now) noexcept {
    const auto session_of = [this](const SessionTable::Hashed& over) noexcept -> const Session& {
        return (*sessions_)[over.session];
    };
    RawArray<PortRef, kTogether> room;
    const std::span<PortRef> ports = room.first(due.size());
    std::array<HostBucket*, kTogether> homes;
    for (std::size_t k = 0; k < due.size(); ++k) {
        const Session& entry = session_of(due[k]);
        ports[k] = PortRef::from_bits(entry.mapping);
        homes[k] =
            &mappings_.prefetch_use(ports[k], entry.inside.pool(), entry.inside.own().address);
    }
    for (const PortRef port : ports) mappings_.prefetch_mapping(port);
    std::size_t ended = 0;
    for (std::size_t k = 0; k < due.size(); ++k) {
        const Session& entry = session_of(due[k]);
        if (note(mappings_.release(ports[k], entry.inside.remote().address, *homes[k]))) {
            end(due[k]);
            ++ended;
        } else {
            sessions_->postpone(due[k].session, now + 1);
        }
    }
    return ended;
}

bool Translator::clear(std::uint32_t session, std::uint32_t version) noexcept {
    const Session& entry = (*sessions_)[session];
    if (entry.version != version || version % 2 != 0) return true;  // it is gone already
    if (!release(PortRef::from_bits(entry.mapping), entry.inside.remote().address)) return false;
    end(sessions_->hashed(session));
    return true;
}

void Translator::end(const SessionTable::Hashed& over) noexcept {
    if (logging_ == NatLogging::kSessions) tell_session(NatEventKind::kSessionEnded, over.session);
    sessions_->erase(over);
}

template NatResult Translator::pass_flow<NatDirection::kOutbound>(const NatPacket&, std::uint32_t,
                                                                  const Turn&) noexcept;
template NatResult Translator::send_flow<NatDirection::kOutbound>(const NatPacket&, std::uint32_t,
                                                                  const Turn&) noexcept;
template NatResult Translator::rewrite<NatDirection::kOutbound>(PacketView&, const NatPacket&,
                                                                Endpoint, Hairpin,
                                                                const Turn&) noexcept;
template NatResult Translator::rewrite<NatDirection::kInbound>(PacketView&, const NatPacket&,
                                                               Endpoint, Hairpin,
                                                               const Turn&) noexcept;

}  // namespace causeway
