// SPDX-License-Identifier: Apache-2.0
//
// Translator: fragments. The first one is translated as a whole packet is, because it has ports;
// the others follow it.
#include "nat/translator.h"

namespace causeway {

template <NatDirection direction>
NatSeconds Translator::datagram_deadline(const PacketView& view, const NatPacket& packet,
                                         const Turn& turn) const noexcept {
    const PortSpace& space = mappings_.space();
    NatPoolId pool = packet.pool;
    if constexpr (direction == NatDirection::kInbound) {
        const std::uint32_t address = space.find(view.destination.address);
        if (address == 0) return turn.now + NatTimers().fragment;  // of a static mapping
        pool = space.pool(address);
    }
    return turn.now + space.settings(pool).timers.fragment;
}

template <NatDirection direction>
NatResult Translator::later_fragment(PacketView& view, const NatPacket& packet,
                                     const Turn& turn) noexcept {
    constexpr bool kIsOutbound = direction == NatDirection::kOutbound;
    const DatagramKey key = DatagramKey::of(view, direction, packet.pool);
    Datagram* datagram = fragments_.find(key, turn.now);
    if (datagram == nullptr) {
        if (kIsOutbound && !mappings_.space().has_pool(packet.pool)) {
            return {.outcome = NatOutcome::kNoPool};
        }
        if (!kIsOutbound && !is_ours(view.destination.address, turn.statics)) {
            return {.outcome = NatOutcome::kUntouched};
        }
        if (!fragments_.has_room(key)) return {.outcome = NatOutcome::kFragmentsFull};
        datagram = fragments_.add(key, turn.now, datagram_deadline<direction>(view, packet, turn));
        if (datagram == nullptr) return {.outcome = NatOutcome::kFragmentsFull};
    }
    switch (datagram->state) {
        case DatagramState::kWaiting:
            if (!fragments_.hold(*datagram, packet.handle)) break;
            return {.outcome = NatOutcome::kHeld, .stage = direction};
        case DatagramState::kElsewhere:
            return {NatOutcome::kHandOver, datagram->worker, direction};
        case DatagramState::kRefused:
            return {.outcome = NatOutcome::kFragmentRefused};
        case DatagramState::kLeft:
            if (!kIsOutbound || !is_ours(view.destination.address, turn.statics)) {
                return {.outcome = NatOutcome::kUntouched};
            }
            return later_fragment<NatDirection::kInbound>(view, as_inbound(packet), turn);
        case DatagramState::kKnown:
            rewrite_address(view, kIsOutbound ? End::kSource : End::kDestination,
                            datagram->address);
            if (datagram->hairpin == Hairpin::kNo) return {.outcome = NatOutcome::kTranslated};
            return later_fragment<NatDirection::kInbound>(view, as_inbound(packet), turn);
    }
    return {.outcome = NatOutcome::kFragmentsFull};
}
template NatResult Translator::later_fragment<NatDirection::kOutbound>(PacketView&,
                                                                       const NatPacket&,
                                                                       const Turn&) noexcept;

// The one that is known, or a new one; nullptr where there is no room for it.
template <NatDirection direction>
Datagram* Translator::datagram_of(const DatagramKey& key, const PacketView& first,
                                  const NatPacket& packet, const Turn& turn) noexcept {
    Datagram* const datagram = fragments_.find(key, turn.now);
    if (datagram != nullptr) return datagram;
    return fragments_.add(key, turn.now, datagram_deadline<direction>(first, packet, turn));
}

void Translator::leave(const NatPacket& first, const StaticMappings& statics,
                       NatSeconds now) noexcept {
    const PacketView view = view_of(first.bytes, first.size, Extent::kWhole);
    const DatagramKey key = DatagramKey::of(view, NatDirection::kOutbound, first.pool);
    Datagram* const datagram =
        datagram_of<NatDirection::kOutbound>(key, view, first, {statics, now});
    if (datagram == nullptr) return;  // the others will be refused
    datagram->state = DatagramState::kLeft;
    fragments_.release(*datagram);
}

template <NatDirection direction>
void Translator::know_datagram(const PacketView& first, const NatPacket& packet,
                               Ipv4Address address, Hairpin hairpin, const Turn& turn) noexcept {
    Datagram* const datagram =
        datagram_of<direction>(DatagramKey::of(first, direction, packet.pool), first, packet, turn);
    if (datagram == nullptr) return;  // the others will be refused
    datagram->state = DatagramState::kKnown;
    datagram->address = address;
    datagram->hairpin = hairpin;
    fragments_.release(*datagram);
}
template void Translator::know_datagram<NatDirection::kOutbound>(const PacketView&,
                                                                 const NatPacket&, Ipv4Address,
                                                                 Hairpin, const Turn&) noexcept;
template void Translator::know_datagram<NatDirection::kInbound>(const PacketView&, const NatPacket&,
                                                                Ipv4Address, Hairpin,
                                                                const Turn&) noexcept;

// After a first fragment that was not translated here.
template <NatDirection direction>
void Translator::learn_datagram(const DatagramKey& key, const PacketView& first,
                                const NatPacket& packet, const NatResult& result,
                                const Turn& turn) noexcept {
    Datagram* const datagram = datagram_of<direction>(key, first, packet, turn);
    // One that was translated, and whose way back in is another worker's or refused, is known.
    if (datagram == nullptr || datagram->state == DatagramState::kKnown) return;
    if (result.outcome == NatOutcome::kHandOver) {
        datagram->state = DatagramState::kElsewhere;
        datagram->worker = result.worker;
        fragments_.release(*datagram);
    } else {
        fragments_.refuse(*datagram);
    }
}
template void Translator::learn_datagram<NatDirection::kOutbound>(const DatagramKey&,
                                                                  const PacketView&,
                                                                  const NatPacket&,
                                                                  const NatResult&,
                                                                  const Turn&) noexcept;
template void Translator::learn_datagram<NatDirection::kInbound>(const DatagramKey&,
                                                                 const PacketView&,
                                                                 const NatPacket&, const NatResult&,
                                                                 const Turn&) noexcept;

}  // namespace causeway
