// SPDX-License-Identifier: Apache-2.0
#include "dataplane/bfd/sessions.h"

#include "base/check.h"
#include "base/text.h"

namespace causeway {
namespace {

// The finalizer of MurmurHash3: neighbouring inputs have nothing in common afterwards.
std::uint64_t mixed(std::uint64_t value) {
    value = (value ^ value >> 33) * 0xff51afd7ed558ccdU;
    value = (value ^ value >> 33) * 0xc4ceb9fe1a85ec53U;
    return value ^ value >> 33;
}

}  // namespace

BfdSessions::BfdSessions(const Options& options, std::uint64_t now_ns)
    : options_(options), slots_(options.sessions_max), wheel_(options.sessions_max, now_ns) {
    CHECK(options.sessions_max <= 1U << 16);
    slots_by_peer_.reserve(options.sessions_max);
    for (std::uint32_t slot = options.sessions_max; slot > 0; --slot) {
        free_slots_.push_back(slot - 1);
        slots_[slot - 1].generation = static_cast<std::uint16_t>(mixed(options.seed + slot));
    }
}

Result<BfdDiscriminator> BfdSessions::add(const BfdPeer& peer, const BfdParameters& parameters,
                                          std::uint64_t now_ns) {
    if (slots_by_peer_.contains(peer))
        return Unexpected(ErrorCode::kExists,
                          "there is a BFD session with " + to_string(peer.address) + " already");
    if (free_slots_.empty())
        return Unexpected(ErrorCode::kFull, "there are " + std::to_string(slots_.size()) +
                                                " BFD sessions, the most there may be");
    const std::uint32_t slot = free_slots_.back();
    free_slots_.pop_back();
    Slot& entry = slots_[slot];
    if (++entry.generation == 0) ++entry.generation;  // so that slot 0 has a discriminator, too
    const BfdDiscriminator session(std::uint32_t{entry.generation} << 16 | slot);
    entry.session.emplace(session, parameters, mixed(options_.seed ^ session.value()), now_ns);
    entry.peer = peer;
    slots_by_peer_.emplace(peer, slot);
    set_timer(slot);
    return session;
}

void BfdSessions::remove(BfdDiscriminator session) {
    CHECK(find(session) != nullptr);
    const std::uint32_t slot = slot_of(session);
    wheel_.clear(slot);
    slots_by_peer_.erase(slots_[slot].peer);
    slots_[slot].session.reset();
    free_slots_.push_back(slot);
}

BfdSession* BfdSessions::session_at(BfdDiscriminator session) noexcept {
    const std::uint32_t slot = slot_of(session);
    if (slot >= slots_.size() || !slots_[slot].session) return nullptr;
    BfdSession& found = *slots_[slot].session;
    return found.local_discriminator() == session ? &found : nullptr;
}

const BfdSession* BfdSessions::find(BfdDiscriminator session) const noexcept {
    const std::uint32_t slot = slot_of(session);
    if (slot >= slots_.size() || !slots_[slot].session) return nullptr;
    const BfdSession& found = *slots_[slot].session;
    return found.local_discriminator() == session ? &found : nullptr;
}

std::optional<BfdDiscriminator> BfdSessions::find(const BfdPeer& peer) const noexcept {
    const auto found = slots_by_peer_.find(peer);
    if (found == slots_by_peer_.end()) return std::nullopt;
    return slots_[found->second].session->local_discriminator();
}

const BfdPeer& BfdSessions::peer(BfdDiscriminator session) const noexcept {
    CHECK(find(session) != nullptr);
    return slots_[slot_of(session)].peer;
}

// RFC 5880 6.8.6: by the discriminator, or where there is none yet, by who sent it (RFC 5881 3).
std::variant<BfdSession*, BfdDiscard> BfdSessions::addressee(const BfdControlPacket& packet,
                                                             const BfdPeer& from) noexcept {
    if (packet.yours != BfdDiscriminator()) {
        BfdSession* const session = session_at(packet.yours);
        if (session == nullptr) return BfdDiscard::kUnknownDiscriminator;
        if (slots_[slot_of(packet.yours)].peer != from) return BfdDiscard::kWrongPeer;
        return session;
    }
    if (packet.state == BfdState::kInit || packet.state == BfdState::kUp)
        return BfdDiscard::kNotAddressed;
    const auto found = slots_by_peer_.find(from);
    if (found == slots_by_peer_.end()) return BfdDiscard::kUnknownPeer;
    return &*slots_[found->second].session;
}

std::variant<BfdEvent, BfdDiscard> BfdSessions::receive(std::span<const std::uint8_t> payload,
                                                        const BfdPeer& from, std::uint8_t ttl,
                                                        std::uint64_t now_ns) noexcept {
    if (ttl != kBfdTtl) return BfdDiscard::kWrongTtl;
    const auto parsed = parse_bfd(payload);
    if (const auto* discard = std::get_if<BfdDiscard>(&parsed)) return *discard;
    const auto& packet = std::get<BfdControlPacket>(parsed);
    const auto found = addressee(packet, from);
    if (const auto* discard = std::get_if<BfdDiscard>(&found)) return *discard;
    BfdSession& session = *std::get<BfdSession*>(found);
    if (packet.has_authentication) return BfdDiscard::kAuthenticated;
    const BfdOutcome outcome = session.receive(packet, now_ns);
    set_timer(slot_of(session.local_discriminator()));
    if (session.state() == BfdState::kAdminDown) return BfdDiscard::kAdminDown;
    return BfdEvent{session.local_discriminator(), outcome};
}

std::size_t BfdSessions::poll(std::uint64_t now_ns, std::span<BfdEvent> events) noexcept {
    std::size_t count = 0;
    while (count < events.size()) {
        const std::optional<std::uint32_t> slot = wheel_.next_due(now_ns);
        if (!slot) break;
        BfdSession& session = *slots_[*slot].session;
        events[count] = {session.local_discriminator(), session.advance(now_ns)};
        set_timer(*slot);
        if (events[count].outcome.packet) ++count;  // else its deadline had moved on
    }
    return count;
}

// Every packet moves the detection time on. That the wheel still has an earlier one does no harm,
// and spares it the work: it is asked again then.
void BfdSessions::set_timer(std::uint32_t slot) noexcept {
    const std::uint64_t next = slots_[slot].session->next_event_ns();
    if (!wheel_.is_set_by(slot, next)) wheel_.set(slot, next);
}

void BfdSessions::set_parameters(BfdDiscriminator session, const BfdParameters& parameters,
                                 std::uint64_t now_ns) noexcept {
    CHECK(find(session) != nullptr);
    session_at(session)->set_parameters(parameters, now_ns);
    set_timer(slot_of(session));
}

BfdEvent BfdSessions::disable(BfdDiscriminator session, std::uint64_t now_ns) noexcept {
    CHECK(find(session) != nullptr);
    const BfdOutcome outcome = session_at(session)->disable(now_ns);
    set_timer(slot_of(session));
    return {session, outcome};
}

BfdEvent BfdSessions::enable(BfdDiscriminator session, std::uint64_t now_ns) noexcept {
    CHECK(find(session) != nullptr);
    const BfdOutcome outcome = session_at(session)->enable(now_ns);
    set_timer(slot_of(session));
    return {session, outcome};
}

}  // namespace causeway
