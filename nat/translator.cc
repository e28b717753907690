// SPDX-License-Identifier: Apache-2.0
#include "nat/translator.h"

#include <utility>

#include "base/check.h"

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
      secret_(options.secret),
      events_(options.events),
      logging_(options.events == nullptr ? NatLogging::kNothing : options.logging) {}

// Whole packets of flows, which are nearly all, look their sessions up together; those that have
// none come next, and then what needs more thought.
template <NatDirection direction>
void Translator::translate(std::span<const NatPacket> packets, std::span<NatResult> results,
                           const StaticMappings& statics, NatSeconds now) noexcept {
    DCHECK(packets.size() <= kBurstSizeMax && packets.size() == results.size());
    const Turn turn{statics, now};
    std::array<PacketView, kBurstSizeMax> views;
    std::array<FlowKey, kBurstSizeMax> keys;
    std::array<std::uint8_t, kBurstSizeMax> places;  // of the packets with a key
    std::size_t count = 0;
    for (std::size_t i = 0; i < packets.size(); ++i) {
        read_packet(views[i], packets[i].bytes, packets[i].size, Extent::kWhole);
        if (views[i].shape != PacketShape::kFlow || views[i].is_fragment) [[unlikely]]
            continue;
        keys[count] = key_of<direction>(views[i], packets[i].pool);
        places[count++] = static_cast<std::uint8_t>(i);
    }
    std::array<std::uint32_t, kBurstSizeMax> found;
    sessions_->lookup(direction, std::span(keys).first(count), std::span(found).first(count));
    std::size_t missing = 0;
    for (std::size_t k = 0; k < count; ++k) {
        const std::uint8_t i = places[k];
        if (found[k] == kNoSession) [[unlikely]] {
            places[missing++] = i;
        } else {
            results[i] = pass<direction>(views[i], packets[i], found[k], turn);
        }
    }
    if (missing != 0 && direction == NatDirection::kOutbound) {
        prefetch_new(std::span(places).first(missing), views, packets);
    }
    for (std::size_t k = 0; k < missing; ++k) {
        const std::uint8_t i = places[k];
        results[i] = flow<direction>(views[i], packets[i], turn);
    }
    for (std::size_t i = 0; i < packets.size(); ++i) {
        if (views[i].shape != PacketShape::kFlow || views[i].is_fragment) [[unlikely]] {
            results[i] = translate_one<direction>(views[i], packets[i], turn);
        }
        auto& counter = counters_[static_cast<std::size_t>(results[i].outcome)];
        counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    }
}
template void Translator::translate<NatDirection::kOutbound>(std::span<const NatPacket>,
                                                             std::span<NatResult>,
                                                             const StaticMappings&,
                                                             NatSeconds) noexcept;
template void Translator::translate<NatDirection::kInbound>(std::span<const NatPacket>,
                                                            std::span<NatResult>,
                                                            const StaticMappings&,
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
    const DatagramKey datagram_key = DatagramKey::of(view, direction, packet.pool);
    const bool is_fragment = view.is_fragment;
    const FlowKey key = key_of<direction>(view, packet.pool);
    std::uint32_t session = kNoSession;
    sessions_->lookup(direction, {&key, 1}, {&session, 1});
    const NatResult result = session != kNoSession ? pass<direction>(view, packet, session, turn)
                                                   : begin<direction>(view, packet, turn);
    if (is_fragment && result.outcome != NatOutcome::kTranslated) {
        learn_datagram<direction>(datagram_key, view, packet, result, turn);
    }
    return result;
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

// RFC 4787 REQ-6 and RFC 6146 3.5.2.2.
template <NatDirection direction>
void Translator::refresh(std::uint32_t session, std::uint8_t tcp_flags, NatSeconds now) noexcept {
    const Session& entry = (*sessions_)[session];
    const NatPoolSettings& settings = mappings_.space().settings(entry.inside.pool());
    const auto before = static_cast<NatState>(entry.state);
    const NatState after = next_state<direction>(before, tcp_flags);
    const bool may_refresh =
        direction == NatDirection::kOutbound || settings.refresh == NatRefresh::kBothWays;
    const bool lives_on = after != before || (may_refresh && refreshes(after, tcp_flags));
    sessions_->touch(session, lives_on ? now + timeout(settings.timers, after) : entry.deadline,
                     static_cast<std::uint8_t>(after));
}

std::size_t Translator::expire(NatSeconds now, std::size_t pieces) noexcept {
    sessions_->set_clock(now);
    fragments_.expire(now);
    retry_releases();
    std::size_t ended = 0;
    std::array<std::uint32_t, kWheelLanes> due;
    for (; pieces > 0 && sessions_->is_behind(now); --pieces) {
        const std::size_t count = sessions_->take_due(now, due);
        const auto over = std::span(due).first(count);
        // As with new sessions: three rounds of loads that do not wait for each other.
        for (const std::uint32_t session : over) {
            const FlowKey& key = (*sessions_)[session].inside;
            const auto port = PortRef::from_bits((*sessions_)[session].mapping);
            mappings_.prefetch_claim(key.pool(), key.own().address);
            mappings_.space().prefetch(port);
            mappings_.space().prefetch(mappings_.space().block_of(port), port.protocol());
        }
        for (const std::uint32_t session : over) {
            const FlowKey& key = (*sessions_)[session].inside;
            mappings_.prefetch_host(key.pool(), key.own().address);
        }
        for (const std::uint32_t session : over) {
            const FlowKey& key = (*sessions_)[session].inside;
            mappings_.prefetch_mapping({key.pool(), key.protocol(), key.own()});
        }
        for (const std::uint32_t session : over) {
            const Session& entry = (*sessions_)[session];
            if (release(PortRef::from_bits(entry.mapping), entry.inside.remote().address)) {
                end(session);
                ++ended;
            } else {
                sessions_->postpone(session, now + 1);
            }
        }
    }
    return ended;
}

bool Translator::clear(std::uint32_t session, std::uint32_t version) noexcept {
    const Session& entry = (*sessions_)[session];
    if (entry.version != version || version % 2 != 0) return true;  // it is gone already
    if (!release(PortRef::from_bits(entry.mapping), entry.inside.remote().address)) return false;
    end(session);
    return true;
}

void Translator::end(std::uint32_t session) noexcept {
    if (logging_ == NatLogging::kSessions) tell_session(NatEventKind::kSessionEnded, session);
    sessions_->erase(session);
}

template NatResult Translator::flow<NatDirection::kInbound>(PacketView&, const NatPacket&,
                                                            const Turn&) noexcept;
template NatResult Translator::rewrite<NatDirection::kOutbound>(PacketView&, const NatPacket&,
                                                                Endpoint, Hairpin,
                                                                const Turn&) noexcept;
template NatResult Translator::rewrite<NatDirection::kInbound>(PacketView&, const NatPacket&,
                                                               Endpoint, Hairpin,
                                                               const Turn&) noexcept;

}  // namespace causeway
