// SPDX-License-Identifier: Apache-2.0
//
// BfdEngine: the BFD sessions of the router, with all that a session needs to be on the wire: its
// addresses, the layer-2 header that leads to its neighbour, its counters, and what it says of the
// way to the neighbour. Time is handed in, and frames go out by whoever transmits.
//
// Thread safety: one thread at a time (control/bfd/runner.h holds the lock). Nothing is allocated
// by receive() and poll().
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "base/result.h"
#include "base/types.h"
#include "dataplane/bfd/datagram.h"
#include "dataplane/bfd/sessions.h"

namespace causeway {

class BfdTransmitter {
  public:
    virtual ~BfdTransmitter() = default;
    // False: the frame is lost.
    virtual bool send(const BfdFrame& frame) = 0;
};

struct BfdSessionOptions {
    BfdPeer peer;
    IpAddress local;  // ours there, of the peer's family
    PortId port;
    BfdParameters parameters;
};

// What a session says of the way to its neighbour. One that has never been up says nothing: a
// neighbour need not speak BFD. Nor does one that either end has shut down (RFC 5882 3.2).
enum class BfdVerdict : std::uint8_t { kNone, kAlive, kFailed };

struct BfdTraffic {
    std::uint64_t rx_bytes = 0, rx_packets = 0, tx_bytes = 0, tx_packets = 0;  // of payload
    friend bool operator==(const BfdTraffic&, const BfdTraffic&) = default;
};

// A session, copied out.
struct BfdSessionStatus {
    BfdDiscriminator id;
    BfdSessionOptions options;
    BfdState state = BfdState::kDown;
    BfdDiagnostic diagnostic = BfdDiagnostic::kNone;
    BfdState remote_state = BfdState::kDown;
    BfdDiagnostic remote_diagnostic = BfdDiagnostic::kNone;
    BfdDiscriminator remote;
    BfdParameters remote_parameters;
    std::uint64_t transmit_interval_ns = 0;
    std::uint64_t detection_time_ns = 0;
    std::uint64_t changed_ns = 0;  // when it got its state
    std::uint64_t downs = 0;       // times it was up, and then not
    std::uint64_t tx_lost = 0;     // packets with no way to the neighbour, or no room on it
    BfdTraffic traffic;
    BfdVerdict verdict = BfdVerdict::kNone;
};

class BfdEngine {
  public:
    struct Options {
        std::uint32_t sessions_max = 0;
        std::uint64_t seed = 0;
    };

    // `transmitter` must outlive the engine.
    BfdEngine(const Options& options, BfdTransmitter& transmitter, std::uint64_t now_ns);

    // It says nothing to its neighbour before set_link(). kExists, kFull.
    [[nodiscard]] Result<BfdDiscriminator> add(const BfdSessionOptions& options,
                                               std::uint64_t now_ns);
    // REQUIRES, here and below: the session is there. The neighbour is told, if it was up.
    void remove(BfdDiscriminator id, std::uint64_t now_ns);
    void set_parameters(BfdDiscriminator id, const BfdParameters& parameters, std::uint64_t now_ns);
    // The layer-2 header that leads to the neighbour, tags and all; empty: there is none.
    void set_link(BfdDiscriminator id, std::span<const std::uint8_t> header);
    void shut_down(BfdDiscriminator id, std::uint64_t now_ns);
    void open_up(BfdDiscriminator id, std::uint64_t now_ns);

    // A frame from layer 3 on, of its attachment.
    void receive(const BfdFrame& frame, std::uint64_t now_ns) noexcept;
    // Whatever is due. What has arrived by now must be received before.
    void poll(std::uint64_t now_ns) noexcept;

    // Those whose state has changed since the last call, each once.
    [[nodiscard]] std::vector<BfdDiscriminator> take_changes();
    [[nodiscard]] bool has_changes() const noexcept { return !changes_.empty(); }

    [[nodiscard]] std::optional<BfdDiscriminator> find(const BfdPeer& peer) const noexcept {
        return sessions_.find(peer);
    }
    // Nothing: there is no such session.
    [[nodiscard]] std::optional<BfdSessionStatus> status(BfdDiscriminator id) const;
    [[nodiscard]] std::vector<BfdSessionStatus> all() const;  // by peer
    [[nodiscard]] std::size_t size() const noexcept { return sessions_.size(); }
    [[nodiscard]] std::uint64_t discarded(BfdDiscard reason) const noexcept {
        return discards_[static_cast<std::size_t>(reason)];
    }

  private:
    struct Wire {
        BfdSessionOptions options;
        std::array<std::uint8_t, 22> header{};
        std::uint8_t header_bytes = 0;
        bool is_up = false;
        bool has_been_up = false;  // and neither end has shut it down since
        bool is_noted = false;     // in changes_
        std::uint64_t changed_ns = 0;
        std::uint64_t downs = 0;
        std::uint64_t tx_lost = 0;
        BfdTraffic traffic;
    };

    [[nodiscard]] Wire& wire(BfdDiscriminator id) noexcept { return wires_[id.value() & 0xffffU]; }
    [[nodiscard]] const Wire& wire(BfdDiscriminator id) const noexcept {
        return wires_[id.value() & 0xffffU];
    }
    [[nodiscard]] static BfdVerdict verdict_of(const Wire& own) noexcept;
    void discard(BfdDiscard reason) noexcept { ++discards_[static_cast<std::size_t>(reason)]; }
    void act_on(const BfdEvent& event, std::uint64_t now_ns) noexcept;
    void note_change(BfdDiscriminator id, std::uint64_t now_ns) noexcept;
    void send(BfdDiscriminator id, const BfdControlPacket& packet) noexcept;

    BfdTransmitter& transmitter_;
    BfdSessions sessions_;
    std::vector<Wire> wires_;  // by the slot of a discriminator
    std::vector<BfdDiscriminator> changes_;
    std::array<std::uint64_t, kBfdDiscardCount> discards_{};
};

}  // namespace causeway
