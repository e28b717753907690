// SPDX-License-Identifier: Apache-2.0
#include "dataplane/stages/translate.h"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/headers.h"
#include "dataplane/family.h"
#include "dataplane/nat_exceptions.h"
#include "dataplane/nat_tables.h"
#include "dataplane/nat_worker.h"
#include "nat/nat_batch.h"
#include "nat/packet_view.h"
#include "nat/translator.h"

namespace causeway {
namespace {

constexpr std::array kExitOfOutcome{
    Exit::kNone,
    Exit::kNone,
    Exit::kNatElsewhere,
    Exit::kNatHeld,
    Exit::kNatMalformed,
    Exit::kNatForeign,
    Exit::kNatMidFlow,
    Exit::kNatNoMapping,
    Exit::kNatFiltered,
    Exit::kNatBusy,
    Exit::kNatHostsFull,
    Exit::kNatHostSessions,
    Exit::kNatHostPorts,
    Exit::kNatPortsExhausted,
    Exit::kNatMappingsFull,
    Exit::kNatSessionsFull,
    Exit::kNatFragmentsFull,
    Exit::kNatFragmentLost,
    Exit::kNatIcmpUnmatched,
    Exit::kNatNoPool,
};
static_assert(kExitOfOutcome.size() == kNatOutcomes);

// A router on the way to the inside, with an address of its own, that says something about a packet
// it has got from us (RFC 5508 REQ-5 b).
bool is_icmp_error(const PacketMeta& meta) noexcept {
    const Ipv4Header& header = meta.ipv4();
    if (header.protocol != static_cast<std::uint8_t>(IpProtocol::kIcmp) ||
        meta.packet_bytes < header.header_bytes() + sizeof(IcmpHeader)) {
        return false;
    }
    const std::uint8_t type = meta.frame[header.header_bytes()];
    return type == static_cast<std::uint8_t>(IcmpType::kUnreachable) ||
           type == static_cast<std::uint8_t>(IcmpType::kTimeExceeded) ||
           type == kIcmpParameterProblem;
}

bool is_fragment(const PacketMeta& meta) noexcept {
    constexpr std::uint16_t kPart = Ipv4Header::kMoreFragments | Ipv4Header::kOffsetMask;
    return (meta.ipv4().flags_fragment.host() & kPart) != 0;
}

// Packets of one burst that are translated in one direction.
template <NatDirection direction>
struct Selection {
    NatBatch<direction> batch;
    std::array<std::uint8_t, kBurstSizeMax> places;  // in the burst
    std::uint64_t redirected = 0;  // bit k: the k-th, once it is translated, is routed in its vrfs_
};

class Translation {
  public:
    Translation(Burst& burst, const Tables& tables) noexcept
        : burst_(burst), tables_(tables), nat_(*burst.nat()) {}

    void run() noexcept {
        for (unsigned place = 0; place < burst_.size(); ++place) select(place);
        if (out_.batch.size() + in_.batch.size() + left_ == 0) return;
        translate(out_);
        translate(in_);
        if (leaving_ != 0) {
            burst_.filter(exits_, [](PacketMeta&, const Exit& exit) noexcept { return exit; });
        }
        nat_.collect_fragments();
    }

  private:
    // Whether it passes as it is, by a rule that counts it.
    [[nodiscard]] bool is_excepted(const PacketMeta& meta) noexcept {
        if (tables_.policies == nullptr) return false;
        const AclList* const list = tables_.policies->of(meta.attachment).untranslated;
        if (list == nullptr) [[likely]]
            return false;
        const AclOutcome* const outcome = exception_of(meta, *list);
        if (outcome == nullptr) return false;
        burst_.counters().rules()[outcome->counter.value()].count(1, meta.packet_bytes);
        return true;
    }

    void select(unsigned place) noexcept {
        const PacketMeta& meta = burst_.walking()[place];
        const NatTables& nat = *tables_.nat;
        if (meta.vrf != nat.outside) return;
        const NatInside* const inside = nat.inside_of(meta.attachment);
        const PublicAddresses::Entry* const target = nat.publics.find(Ipv4::destination_of(meta));
        const bool is_inside = inside != nullptr && inside->translates(Ipv4::source_of(meta),
                                                                       Ipv4::destination_of(meta));
        if (is_inside && !is_excepted(meta)) return add(out_, place, inside->pool, target);
        if (is_inside && is_fragment(meta)) leave(place, inside->pool);
        if (target != nullptr) {
            add(in_, place, NatPoolId(), target);
        } else if (inside != nullptr && is_icmp_error(meta)) {
            icmp_errors_ |= std::uint64_t{1} << place;
            add(out_, place, inside->pool, nullptr);
        }
    }

    // `target` is whose address it is for, if it is one of ours.
    template <NatDirection direction>
    void add(Selection<direction>& to, unsigned place, NatPoolId pool,
             const PublicAddresses::Entry* target) noexcept {
        const PacketMeta& meta = burst_.walking()[place];
        const std::size_t k = to.batch.size();
        to.places[k] = static_cast<std::uint8_t>(place);
        if (target != nullptr) {
            vrfs_[place] = target->inside;
            to.redirected |= std::uint64_t{1} << k;
        }
        nat_.translator().add(to.batch, {.bytes = meta.frame,
                                         .size = meta.packet_bytes,
                                         .pool = pool,
                                         .handle = NatWorker::handle_of(*burst_.mbufs()[place])});
    }

    // So will the rest of its datagram be, that may have come before it.
    void leave(unsigned place, NatPoolId pool) noexcept {
        const PacketMeta& meta = burst_.walking()[place];
        nat_.translator().leave({.bytes = meta.frame, .size = meta.packet_bytes, .pool = pool},
                                tables_.nat->statics, nat_.now());
        ++left_;
    }

    template <NatDirection direction>
    void translate(Selection<direction>& packets) noexcept {
        if (packets.batch.size() == 0) return;
        nat_.translator().translate(packets.batch, tables_.nat->statics, nat_.now());
        const std::uint64_t untranslated = packets.batch.untranslated();
        for (std::uint64_t left = packets.redirected & ~untranslated; left != 0; left &= left - 1) {
            const std::uint8_t place = packets.places[first_of(left)];
            burst_.walking()[place].vrf = vrfs_[place];
        }
        for (std::uint64_t left = untranslated; left != 0; left &= left - 1) {
            const std::uint8_t place = packets.places[first_of(left)];
            exits_[place] = exit_of(place, packets.batch.result(first_of(left)));
            leaving_ += exits_[place] != Exit::kNone ? 1U : 0U;
        }
    }
    [[nodiscard]] static std::size_t first_of(std::uint64_t bits) noexcept {
        return static_cast<std::size_t>(std::countr_zero(bits));
    }

    // REQUIRES: a packet that was not translated.
    [[nodiscard]] Exit exit_of(unsigned place, const NatResult& result) noexcept {
        PacketMeta& meta = burst_.walking()[place];
        rte_mbuf& mbuf = *burst_.mbufs()[place];
        switch (result.outcome) {
            case NatOutcome::kHandOver:
                return nat_.hand_over(burst_, meta, mbuf, result.worker);
            case NatOutcome::kHeld:
                return nat_.hold(burst_, meta, mbuf);
            case NatOutcome::kIcmpUnmatched:
                // It is about a packet that no NAT has seen.
                if ((icmp_errors_ >> place & 1) != 0) return Exit::kNone;
                break;
            default:
                break;
        }
        return kExitOfOutcome[static_cast<std::size_t>(result.outcome)];
    }

    Burst& burst_;
    const Tables& tables_;
    NatWorker& nat_;
    Selection<NatDirection::kOutbound> out_;
    Selection<NatDirection::kInbound> in_;
    unsigned left_ = 0;                      // first fragments
    std::array<VrfId, kBurstSizeMax> vrfs_;  // where they are routed once they are translated
    std::uint64_t icmp_errors_ = 0;          // a bit a place: out for what they are, not by address
    std::array<Exit, kBurstSizeMax> exits_{};
    unsigned leaving_ = 0;
};

}  // namespace

void Translate::translate(Burst& burst, const Tables& tables) noexcept {
    Translation(burst, tables).run();
}

}  // namespace causeway
