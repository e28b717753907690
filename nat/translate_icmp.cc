// SPDX-License-Identifier: Apache-2.0
//
// Translator: ICMP errors (RFC 5508 4). They quote a packet of a flow, seen from the side that they
// come from, and are rewritten together with it. They begin no flow, refresh none and end none
// (RFC 5508 REQ-4 to REQ-7; RFC 5927 says why not).
#include "base/checksum.h"
#include "nat/translator.h"

namespace causeway {
namespace {

bool adds_up(std::span<const std::uint8_t> bytes) noexcept {
    return checksum_fold(checksum_sum(bytes)) == 0xffff;
}

// RFC 5508 REQ-3: an error whose checksum is wrong is dropped, and likewise (a) one that quotes a
// wrong header; (c) what the quoted packet's own layer 4 sums up to does not matter.
bool is_sound(const PacketView& error, const PacketView& quoted) noexcept {
    return adds_up({error.layer4, error.layer4_bytes}) &&
           adds_up({quoted.layer3, quoted.header().header_bytes()});
}

}  // namespace

template <NatDirection direction>
NatResult Translator::icmp_error(PacketView& view, const NatPacket& packet,
                                 const Turn& turn) noexcept {
    constexpr bool kIsOutbound = direction == NatDirection::kOutbound;
    if (!kIsOutbound && !is_ours(view.destination.address, turn.statics)) {
        return {.outcome = NatOutcome::kUntouched};
    }
    constexpr NatResult kUnmatched{.outcome = NatOutcome::kIcmpUnmatched};
    PacketView quoted = view_of(view.layer4 + sizeof(IcmpHeader),
                                view.layer4_bytes - sizeof(IcmpHeader), Extent::kQuoted);
    if (quoted.shape != PacketShape::kFlow) return kUnmatched;
    if (!is_sound(view, quoted)) return {.outcome = NatOutcome::kMalformed};
    // An error travels against the packet that it quotes: ours was its source if the error comes
    // from outside, and its destination if it comes from inside.
    const Endpoint own = kIsOutbound ? quoted.destination : quoted.source;
    const Endpoint remote =
        remote_of(quoted.protocol, kIsOutbound ? quoted.source : quoted.destination);
    if (quoted.source.address != view.destination.address) return kUnmatched;

    const FoundEnd other = other_end<direction>(quoted.protocol, own, remote, packet.pool, turn);
    if (other.outcome != NatOutcome::kTranslated) {
        return {other.outcome, other.owner, direction};
    }
    ChecksumDelta delta;
    rewrite_quoted(quoted, kIsOutbound ? End::kDestination : End::kSource, other.endpoint, delta);
    auto& icmp = *reinterpret_cast<IcmpHeader*>(view.layer4);
    icmp.checksum = Be16::from_wire(delta.applied(icmp.checksum.wire()));
    // From inside, a router on the way has no mapping of its own: it speaks in the host's name
    // (RFC 5508 REQ-5 b).
    rewrite_address(view, kIsOutbound ? End::kSource : End::kDestination, other.endpoint.address);
    if (kIsOutbound && is_ours(view.destination.address, turn.statics)) {
        return icmp_error<NatDirection::kInbound>(view, as_inbound(packet), turn);
    }
    return {.outcome = NatOutcome::kTranslated};
}
template NatResult Translator::icmp_error<NatDirection::kOutbound>(PacketView&, const NatPacket&,
                                                                   const Turn&) noexcept;
template NatResult Translator::icmp_error<NatDirection::kInbound>(PacketView&, const NatPacket&,
                                                                  const Turn&) noexcept;

// What stands on the other side of the NAT for an end of a flow on this one.
template <NatDirection direction>
Translator::FoundEnd Translator::other_end(NatProtocol protocol, Endpoint own, Endpoint remote,
                                           NatPoolId pool, const Turn& turn) const noexcept {
    constexpr bool kIsOutbound = direction == NatDirection::kOutbound;
    const FlowKey key = kIsOutbound ? FlowKey::inside(pool, protocol, own, remote)
                                    : FlowKey::outside(protocol, own, remote);
    std::uint32_t session = kNoSession;
    sessions_->lookup(direction, {&key, 1}, {&session, 1});
    if (session != kNoSession) {
        const Session& entry = (*sessions_)[session];
        return {.outcome = NatOutcome::kTranslated,
                .endpoint = kIsOutbound ? entry.outside.own() : entry.inside.own()};
    }
    Endpoint inside = own;
    if constexpr (kIsOutbound) {
        const auto outside = turn.statics.outside_of(pool, protocol, own);
        if (outside) return {.outcome = NatOutcome::kTranslated, .endpoint = *outside};
    } else {
        const auto found = turn.statics.inside_of(protocol, own);
        if (found) return {.outcome = NatOutcome::kTranslated, .endpoint = found->endpoint};
        const std::uint32_t address = mappings_.space().find(own.address);
        const auto mapped = mappings_.peek(PortRef(address, protocol, own.port));
        if (!mapped) return {.outcome = NatOutcome::kIcmpUnmatched};
        inside = mapped->endpoint;
    }
    const WorkerId owner = mappings_.steering().worker_of(protocol, inside, remote);
    if (owner == worker_) return {.outcome = NatOutcome::kIcmpUnmatched};
    return {.outcome = NatOutcome::kHandOver, .owner = owner};
}

// What stands on one side of the NAT for an end on the other, it itself stands for from there.
bool Translator::restore(NatDirection direction, const NatPacket& packet,
                         const StaticMappings& statics, NatSeconds now) const noexcept {
    PacketView view = view_of(packet.bytes, packet.size, Extent::kWhole);
    if (view.shape != PacketShape::kFlow) return false;
    const Turn turn{statics, now};
    const bool was_outbound = direction == NatDirection::kOutbound;
    const Endpoint own = was_outbound ? view.source : view.destination;
    const Endpoint remote = remote_of(view.protocol, was_outbound ? view.destination : view.source);
    const FoundEnd before =
        was_outbound
            ? other_end<NatDirection::kInbound>(view.protocol, own, remote, packet.pool, turn)
            : other_end<NatDirection::kOutbound>(view.protocol, own, remote, packet.pool, turn);
    if (before.outcome != NatOutcome::kTranslated) return false;
    rewrite_endpoint(view, was_outbound ? End::kSource : End::kDestination, before.endpoint);
    return true;
}

}  // namespace causeway
