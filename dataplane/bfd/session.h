// SPDX-License-Identifier: Apache-2.0
//
// BfdSession: one session of RFC 5880 in asynchronous mode, for one hop (RFC 5881), without
// authentication and without echoes. It has no clock, no socket and no memory but its own: time and
// packets are handed in, and what is to be sent comes out. Times are nanoseconds of any clock that
// does not go backwards.
//
// Names follow the variables of RFC 5880 6.8.1; numbers of sections are those of RFC 5880.
#pragma once

#include <cstdint>
#include <optional>

#include "dataplane/bfd/control_packet.h"

namespace causeway {

// What an operator asks for. The slower end of each direction wins (6.8.2).
struct BfdParameters {
    std::uint32_t desired_min_tx_us = 300'000;
    std::uint32_t required_min_rx_us = 300'000;
    std::uint8_t multiplier = 3;
    friend bool operator==(const BfdParameters&, const BfdParameters&) = default;
};

// What came of an event: a packet to send at once, or none; and whether the state is another.
struct BfdOutcome {
    std::optional<BfdControlPacket> packet;
    bool has_changed = false;  // of state
};

class BfdSession {
  public:
    static constexpr std::uint32_t kSlowTxUs = 1'000'000;  // 6.8.3: at least, while not up
    static constexpr std::uint64_t kNever = UINT64_MAX;

    // `seed` is of the jitter; sessions with different ones do not fall into step. REQUIRES: the
    // discriminator and the multiplier are not 0; the intervals are not 0.
    BfdSession(BfdDiscriminator local, const BfdParameters& parameters, std::uint64_t seed,
               std::uint64_t now_ns) noexcept;

    // A packet that parse_bfd() passed and that is for this session. Nothing: administratively
    // down, so the packet counts for nothing but the neighbour's variables.
    BfdOutcome receive(const BfdControlPacket& packet, std::uint64_t now_ns) noexcept;
    // What is due. Packets that have come before must be received first, or a late caller takes a
    // neighbour for dead that is not.
    BfdOutcome advance(std::uint64_t now_ns) noexcept;
    // When advance() will do something next.
    [[nodiscard]] std::uint64_t next_event_ns() const noexcept;

    // 6.8.3. Takes effect as soon as the neighbour can bear it: while up, by a poll sequence.
    void set_parameters(const BfdParameters& parameters, std::uint64_t now_ns) noexcept;
    // 6.8.16. An administratively-down session tells its neighbour so, slowly, for ever.
    BfdOutcome disable(std::uint64_t now_ns) noexcept;
    BfdOutcome enable(std::uint64_t now_ns) noexcept;

    [[nodiscard]] BfdState state() const noexcept { return state_; }
    [[nodiscard]] BfdDiagnostic diagnostic() const noexcept { return diagnostic_; }
    [[nodiscard]] BfdState remote_state() const noexcept { return remote_state_; }
    [[nodiscard]] BfdDiagnostic remote_diagnostic() const noexcept { return remote_diagnostic_; }
    [[nodiscard]] BfdDiscriminator local_discriminator() const noexcept { return local_; }
    [[nodiscard]] BfdDiscriminator remote_discriminator() const noexcept { return remote_; }
    [[nodiscard]] const BfdParameters& parameters() const noexcept { return parameters_; }
    [[nodiscard]] bool is_polling() const noexcept { return is_polling_; }
    // As the last packet of the neighbour announced it.
    [[nodiscard]] BfdParameters remote_parameters() const noexcept;
    // Between our packets, before jitter; 0: the neighbour wants none (6.8.1, RemoteMinRx).
    [[nodiscard]] std::uint64_t transmit_interval_ns() const noexcept;
    // Without packets for so long, the session is down (6.8.4). 0: none has come yet.
    [[nodiscard]] std::uint64_t detection_time_ns() const noexcept;

  private:
    BfdOutcome set_state(BfdState state, BfdDiagnostic diagnostic, std::uint64_t now_ns) noexcept;
    void take_remote(const BfdControlPacket& packet, std::uint64_t now_ns) noexcept;
    [[nodiscard]] BfdState next_state(BfdState received) const noexcept;
    void announce_intervals() noexcept;
    void start_poll() noexcept;
    void end_poll() noexcept;
    [[nodiscard]] bool may_send_periodically() const noexcept;
    void reschedule(std::uint64_t now_ns) noexcept;
    [[nodiscard]] std::uint64_t jittered(std::uint64_t interval_ns) noexcept;
    [[nodiscard]] BfdControlPacket transmit(BfdSequence sequence, std::uint64_t now_ns) noexcept;

    BfdDiscriminator local_;
    BfdDiscriminator remote_;  // 0: not heard of within the detection time
    BfdParameters parameters_;
    BfdState state_ = BfdState::kDown;
    BfdState remote_state_ = BfdState::kDown;
    BfdDiagnostic diagnostic_ = BfdDiagnostic::kNone;
    BfdDiagnostic remote_diagnostic_ = BfdDiagnostic::kNone;
    bool is_remote_demand_ = false;
    bool is_polling_ = false;
    bool must_poll_again_ = false;  // something changed while a poll sequence was under way
    std::uint8_t remote_multiplier_ = 0;
    std::uint32_t remote_min_rx_us_ = 1;  // 6.8.1
    std::uint32_t remote_desired_tx_us_ = 0;

    // In our packets; and in use, which is the slower while a poll sequence has not ended (6.8.3).
    std::uint32_t announced_tx_us_ = kSlowTxUs;
    std::uint32_t used_tx_us_ = kSlowTxUs;
    std::uint32_t used_rx_us_;

    std::uint64_t random_;
    std::uint64_t last_sent_ns_;
    std::uint64_t scheduled_interval_ns_ = 0;  // that next_send_ns_ was made of
    std::uint64_t next_send_ns_ = kNever;
    std::uint64_t last_received_ns_ = 0;
};

}  // namespace causeway
