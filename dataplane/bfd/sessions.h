// SPDX-License-Identifier: Apache-2.0
//
// BfdSessions: all BFD sessions of one thread: which packet is for which, and which is due when.
//
// Thread safety: one thread, whichever that is. Nothing is allocated by receive() and poll().
//
// A discriminator is the session's slot in its lower half and a number that changes with each use
// of the slot in its upper half. That number begins at random, so what was meant for a session of
// before, or of before a restart, finds nobody.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "dataplane/bfd/control_packet.h"
#include "dataplane/bfd/session.h"
#include "dataplane/bfd/timer_wheel.h"

namespace causeway {

// The other end: RFC 5881 3 has one session a pair of addresses on an interface.
struct BfdPeer {
    AttachmentId attachment;
    IpAddress address;
    friend bool operator==(const BfdPeer&, const BfdPeer&) = default;
};

}  // namespace causeway

template <>
struct std::hash<causeway::BfdPeer> {
    std::size_t operator()(const causeway::BfdPeer& peer) const noexcept {
        const std::size_t address = std::visit(
            [](const auto& a) { return std::hash<std::decay_t<decltype(a)>>()(a); }, peer.address);
        return (address ^ peer.attachment.value()) * std::size_t{0xff51afd7ed558ccd};
    }
};

namespace causeway {

// What came of something for one session.
struct BfdEvent {
    BfdDiscriminator session;
    BfdOutcome outcome;
};

class BfdSessions {
  public:
    struct Options {
        std::uint32_t sessions_max = 0;  // up to 65,536
        std::uint64_t seed = 0;          // of discriminators and jitter: another at each start
    };

    BfdSessions(const Options& options, std::uint64_t now_ns);

    // kExists: with this peer there is one. kFull.
    [[nodiscard]] Result<BfdDiscriminator> add(const BfdPeer& peer, const BfdParameters& parameters,
                                               std::uint64_t now_ns);
    // Without a word to the neighbour; disable() says one.
    void remove(BfdDiscriminator session);

    // A UDP payload, where it came from, and with which TTL or hop limit.
    [[nodiscard]] std::variant<BfdEvent, BfdDiscard> receive(std::span<const std::uint8_t> payload,
                                                             const BfdPeer& from, std::uint8_t ttl,
                                                             std::uint64_t now_ns) noexcept;
    // What is due, as much as there is room for: fewer than that, and there is no more. To be
    // called after the packets that have come by now are received.
    [[nodiscard]] std::size_t poll(std::uint64_t now_ns, std::span<BfdEvent> events) noexcept;

    // REQUIRES, here and below: the session is there.
    void set_parameters(BfdDiscriminator session, const BfdParameters& parameters,
                        std::uint64_t now_ns) noexcept;
    [[nodiscard]] BfdEvent disable(BfdDiscriminator session, std::uint64_t now_ns) noexcept;
    [[nodiscard]] BfdEvent enable(BfdDiscriminator session, std::uint64_t now_ns) noexcept;
    [[nodiscard]] const BfdPeer& peer(BfdDiscriminator session) const noexcept;

    [[nodiscard]] const BfdSession* find(BfdDiscriminator session) const noexcept;
    [[nodiscard]] std::optional<BfdDiscriminator> find(const BfdPeer& peer) const noexcept;
    [[nodiscard]] std::size_t size() const noexcept { return slots_by_peer_.size(); }

  private:
    struct Slot {
        std::optional<BfdSession> session;
        BfdPeer peer;
        std::uint16_t generation = 0;
    };

    [[nodiscard]] static std::uint32_t slot_of(BfdDiscriminator session) noexcept {
        return session.value() & 0xffffU;
    }
    [[nodiscard]] BfdSession* session_at(BfdDiscriminator session) noexcept;
    [[nodiscard]] std::variant<BfdSession*, BfdDiscard> addressee(const BfdControlPacket& packet,
                                                                  const BfdPeer& from) noexcept;
    void set_timer(std::uint32_t slot) noexcept;

    Options options_;
    std::vector<Slot> slots_;
    std::vector<std::uint32_t> free_slots_;
    std::unordered_map<BfdPeer, std::uint32_t> slots_by_peer_;
    TimerWheel wheel_;
};

}  // namespace causeway
