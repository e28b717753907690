// SPDX-License-Identifier: Apache-2.0
#include "dataplane/punt_police.h"

#include <sys/mman.h>

#include <span>
#include <variant>

#include "base/check.h"
#include "base/headers.h"
#include "dataplane/family.h"
#include "dataplane/virtual_schedule.h"

namespace causeway {
namespace {

// A 64th of a tick: at 10 million packets a second and 2 GHz one costs 12,800 of these.
constexpr std::uint64_t kUnitsPerTick = 64;
constexpr std::uint8_t kTtlOfBfd = 255;
constexpr std::uint16_t kBfdEchoPort = 3'785;  // RFC 5881 4

constexpr auto kRelaxed = std::memory_order_relaxed;

// Layer 4 as far as it lies in this packet, and who speaks.
struct Upper {
    std::uint8_t protocol = 0;
    std::uint8_t ttl = 0;
    Ipv6Address source;  // of IPv4 in the low half
    Ipv6Address destination;
    std::span<const std::uint8_t> bytes;  // none of a fragment, nor behind extension headers
};

Ipv6Address wide(Ipv4Address address) noexcept {
    return {0, address.value()};
}
Ipv6Address wide(Ipv6Address address) noexcept {
    return address;
}

Upper upper_of(const Ipv4Header& header, std::span<const std::uint8_t> packet) noexcept {
    constexpr std::uint16_t kPart = Ipv4Header::kMoreFragments | Ipv4Header::kOffsetMask;
    const bool is_whole = (header.flags_fragment.host() & kPart) == 0;
    return {.protocol = header.protocol,
            .ttl = header.ttl,
            .source = wide(Ipv4Address(header.source.host())),
            .destination = wide(Ipv4Address(header.destination.host())),
            .bytes = is_whole ? packet.subspan(header.header_bytes()) : packet.first(0)};
}
Upper upper_of(const Ipv6Header& header, std::span<const std::uint8_t> packet) noexcept {
    return {.protocol = header.next_header,
            .ttl = header.hop_limit,
            .source = header.source.host(),
            .destination = header.destination.host(),
            .bytes = packet.subspan(sizeof header)};
}

std::uint16_t port_at(std::span<const std::uint8_t> bytes, std::size_t offset) noexcept {
    return static_cast<std::uint16_t>(bytes[offset] << 8 | bytes[offset + 1]);
}

}  // namespace

void PuntPolice::Unmap::operator()(Row* rows) const noexcept {
    munmap(rows, kAttachmentsMax * sizeof(Row));
}

// Fresh pages are zero and touched when a row is first used; all zero bytes are an unused row.
PuntPolice::PuntPolice(std::uint64_t ticks_per_second, const PuntLimits& limits)
    : limits_(limits), hz_(ticks_per_second) {
    void* memory = mmap(nullptr, kAttachmentsMax * sizeof(Row), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(memory != MAP_FAILED);
    rows_.reset(static_cast<Row*>(memory));
    set_limits(limits);
}

void PuntPolice::set_pace(Pace& pace, const PuntRate& rate) noexcept {
    const std::uint64_t cost = hz_ * kUnitsPerTick / rate.per_second;
    pace.cost.store(cost, kRelaxed);
    pace.depth.store(cost * rate.burst, kRelaxed);
}

void PuntPolice::set_limits(const PuntLimits& limits) noexcept {
    limits_ = limits;
    for (std::size_t k = 0; k < kPuntClassCount; ++k) {
        set_pace(attachment_paces_[k], limits[k].attachment);
        set_pace(total_paces_[k], limits[k].total);
    }
}

template <class Address>
void PuntPolice::set_party(Party& party, const std::optional<PuntPeers<Address>>& peers) noexcept {
    const Ipv6Address ours = peers ? wide(peers->ours) : Ipv6Address();
    const Ipv6Address peer = peers ? wide(peers->peers.first()) : Ipv6Address();
    // Where the first and the last address of a prefix agree, its mask is set.
    const Ipv6Address last = peers ? wide(peers->peers.last()) : Ipv6Address();
    party.ours_high.store(ours.high(), kRelaxed);
    party.ours_low.store(ours.low(), kRelaxed);
    party.peer_high.store(peer.high(), kRelaxed);
    party.peer_low.store(peer.low(), kRelaxed);
    party.mask_high.store(~(peer.high() ^ last.high()), kRelaxed);
    party.mask_low.store(~(peer.low() ^ last.low()), kRelaxed);
}

void PuntPolice::begin(AttachmentId attachment, const PuntParties& parties) noexcept {
    Row& row = rows_[attachment.value()];
    for (Cell& cell : row.cells) {
        for (Number* const number :
             {&cell.full_at, &cell.passed, &cell.over_attachment, &cell.over_total}) {
            number->store(0, kRelaxed);
        }
    }
    set_party(row.ipv4, parties.ipv4);
    set_party(row.ipv6, parties.ipv6);
    for (Number& session : row.sessions) session.store(0, kRelaxed);
    row.next_session = 0;
}

bool PuntPolice::is_between(const Party& party, const Ipv6Address& source,
                            const Ipv6Address& destination) noexcept {
    const std::uint64_t high =
        (source.high() ^ party.peer_high.load(kRelaxed)) & party.mask_high.load(kRelaxed);
    const std::uint64_t low =
        (source.low() ^ party.peer_low.load(kRelaxed)) & party.mask_low.load(kRelaxed);
    return (high | low) == 0 && destination.high() == party.ours_high.load(kRelaxed) &&
           destination.low() == party.ours_low.load(kRelaxed);
}

// Ports as they are, and of the address a digest: who is to profit from one that is equal must know
// the ports, too.
std::uint64_t PuntPolice::fingerprint_of(const Ipv6Address& peer, std::uint16_t peer_port,
                                         std::uint16_t our_port) noexcept {
    constexpr std::uint64_t kOdd = 0x9e37'79b9'7f4a'7c15U;  // 2^64 / golden ratio
    const std::uint64_t digest = ((peer.high() * kOdd) ^ peer.low()) * kOdd;
    return (digest >> 32) << 32 | std::uint64_t{peer_port} << 16 | our_port;
}

void PuntPolice::note_session(AttachmentId attachment, const BgpSession& session) noexcept {
    const Ipv6Address peer =
        std::visit([](const auto& address) { return wide(address); }, session.peer);
    const std::uint64_t fingerprint = fingerprint_of(peer, session.peer_port, session.our_port);
    Row& row = rows_[attachment.value()];
    for (const Number& known : row.sessions) {
        if (known.load(kRelaxed) == fingerprint) return;
    }
    row.sessions[row.next_session++ % kSessionsMax].store(fingerprint, kRelaxed);
}

template <class Family>
PuntClass PuntPolice::class_of_local(const PacketMeta& meta) const noexcept {
    constexpr bool kIsIpv4 = std::is_same_v<Family, Ipv4>;
    const std::span<const std::uint8_t> packet(meta.frame, meta.packet_bytes);
    Upper upper;
    if constexpr (kIsIpv4) {
        upper = upper_of(meta.ipv4(), packet);
    } else {
        upper = upper_of(meta.ipv6(), packet);
    }
    const auto protocol = static_cast<IpProtocol>(upper.protocol);
    if (protocol == (kIsIpv4 ? IpProtocol::kIcmp : IpProtocol::kIcmpv6)) return PuntClass::kIcmp;
    const Row& row = rows_[meta.attachment.value()];
    const auto is_from_peer = [&]() noexcept {
        return is_between(kIsIpv4 ? row.ipv4 : row.ipv6, upper.source, upper.destination);
    };
    if (upper.bytes.size() < 2 * sizeof(Be16)) return PuntClass::kRest;
    const std::uint16_t source = port_at(upper.bytes, 0);
    const std::uint16_t destination = port_at(upper.bytes, 2);
    if (protocol == IpProtocol::kUdp) {
        const bool is_bfd = destination == kBfdPort || destination == kBfdEchoPort;
        return is_bfd && upper.ttl == kTtlOfBfd && is_from_peer() ? PuntClass::kBfd
                                                                  : PuntClass::kRest;
    }
    const bool is_bgp =
        protocol == IpProtocol::kTcp && (source == kBgpPort || destination == kBgpPort);
    if (!is_bgp || !is_from_peer()) return PuntClass::kRest;
    const std::uint64_t fingerprint = fingerprint_of(upper.source, source, destination);
    for (const Number& known : row.sessions) {
        if (known.load(kRelaxed) == fingerprint) return PuntClass::kBgp;
    }
    return PuntClass::kBgpNew;
}

PuntClass PuntPolice::class_of(const PacketMeta& meta) const noexcept {
    if (meta.exit == Exit::kArp || meta.exit == Exit::kNeighbourDiscovery) {
        return PuntClass::kNeighbour;
    }
    if (meta.exit == Exit::kNameAnswer) return PuntClass::kNames;
    if (meta.exit != Exit::kLocal && meta.exit != Exit::kBfd) return PuntClass::kTransit;
    return meta.frame[0] >> 4 == 4 ? class_of_local<Ipv4>(meta) : class_of_local<Ipv6>(meta);
}

bool PuntPolice::take(Number& bucket, const Pace& pace, std::uint64_t now,
                      std::uint64_t skew) noexcept {
    return take_from(bucket, now, pace.cost.load(kRelaxed), pace.depth.load(kRelaxed), skew);
}

bool PuntPolice::admit(const PacketMeta& meta, std::uint64_t now_ticks) noexcept {
    const auto k = static_cast<std::size_t>(class_of(meta));
    Cell& cell = rows_[meta.attachment.value()].cells[k];
    const std::uint64_t now = now_ticks * kUnitsPerTick;
    const std::uint64_t skew = hz_ * kUnitsPerTick;  // a second, far more than clocks differ by
    if (!take(cell.full_at, attachment_paces_[k], now, skew)) {
        cell.over_attachment.fetch_add(1, kRelaxed);
        return false;
    }
    if (!take(totals_[k].full_at, total_paces_[k], now, skew)) {
        cell.full_at.fetch_sub(attachment_paces_[k].cost.load(kRelaxed), kRelaxed);
        cell.over_total.fetch_add(1, kRelaxed);
        return false;
    }
    cell.passed.fetch_add(1, kRelaxed);
    return true;
}

PuntCounts PuntPolice::counts(AttachmentId attachment, PuntClass of) const noexcept {
    const Cell& cell = rows_[attachment.value()].cells[static_cast<std::size_t>(of)];
    return {.passed = cell.passed.load(kRelaxed),
            .over_attachment = cell.over_attachment.load(kRelaxed),
            .over_total = cell.over_total.load(kRelaxed)};
}

}  // namespace causeway
