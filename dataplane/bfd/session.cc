// SPDX-License-Identifier: Apache-2.0
#include "dataplane/bfd/session.h"

#include <algorithm>

#include "base/check.h"

namespace causeway {
namespace {

constexpr std::uint64_t kNsPerUs = 1'000;

}  // namespace

BfdSession::BfdSession(BfdDiscriminator local, const BfdParameters& parameters, std::uint64_t seed,
                       std::uint64_t now_ns) noexcept
    : local_(local),
      parameters_(parameters),
      used_rx_us_(parameters.required_min_rx_us),
      random_(seed | 1),  // a state of zero would stay so
      last_sent_ns_(now_ns) {
    DCHECK(local != BfdDiscriminator() && parameters.multiplier != 0);
    DCHECK(parameters.desired_min_tx_us != 0 && parameters.required_min_rx_us != 0);
    announce_intervals();
    reschedule(now_ns);
}

BfdParameters BfdSession::remote_parameters() const noexcept {
    return {.desired_min_tx_us = remote_desired_tx_us_,
            .required_min_rx_us = remote_min_rx_us_,
            .multiplier = remote_multiplier_};
}

// 6.8.2, 6.8.7: "the larger of bfd.DesiredMinTxInterval and bfd.RemoteMinRxInterval".
std::uint64_t BfdSession::transmit_interval_ns() const noexcept {
    if (remote_min_rx_us_ == 0) return 0;
    return std::max(used_tx_us_, remote_min_rx_us_) * kNsPerUs;
}

std::uint64_t BfdSession::detection_time_ns() const noexcept {
    return remote_multiplier_ * std::max(used_rx_us_, remote_desired_tx_us_) * kNsPerUs;
}

std::uint64_t BfdSession::next_event_ns() const noexcept {
    if (remote_ == BfdDiscriminator()) return next_send_ns_;
    return std::min(next_send_ns_, last_received_ns_ + detection_time_ns());
}

BfdOutcome BfdSession::receive(const BfdControlPacket& packet, std::uint64_t now_ns) noexcept {
    take_remote(packet, now_ns);
    if (state_ == BfdState::kAdminDown) return {};
    BfdOutcome outcome;
    const BfdState next = next_state(packet.state);
    if (next != state_) {
        outcome = set_state(
            next, next == BfdState::kDown ? BfdDiagnostic::kNeighbourSignaledDown : diagnostic_,
            now_ns);
    }
    // The answer to a poll goes out at once and says what a change of state would say.
    if (packet.sequence == BfdSequence::kPoll)
        outcome.packet = transmit(BfdSequence::kFinal, now_ns);
    return outcome;
}

// The bfd.Remote* variables of 6.8.6, and the end of a poll sequence.
void BfdSession::take_remote(const BfdControlPacket& packet, std::uint64_t now_ns) noexcept {
    remote_ = packet.mine;
    remote_state_ = packet.state;
    remote_diagnostic_ = packet.diagnostic;
    is_remote_demand_ = packet.is_demand;
    remote_multiplier_ = packet.multiplier;
    remote_min_rx_us_ = packet.required_min_rx_us;
    remote_desired_tx_us_ = packet.desired_min_tx_us;
    last_received_ns_ = now_ns;
    if (is_polling_ && packet.sequence == BfdSequence::kFinal) end_poll();
    reschedule(now_ns);
}

// The state machine of 6.2, as 6.8.6 writes it down.
BfdState BfdSession::next_state(BfdState received) const noexcept {
    using enum BfdState;
    if (received == kAdminDown) return kDown;
    switch (state_) {
        case kAdminDown:
            return kAdminDown;
        case kDown:
            if (received == kDown) return kInit;
            return received == kInit ? kUp : kDown;
        case kInit:
            return received == kDown ? kInit : kUp;
        case kUp:
            return received == kDown ? kDown : kUp;
    }
    return state_;
}

BfdOutcome BfdSession::set_state(BfdState state, BfdDiagnostic diagnostic,
                                 std::uint64_t now_ns) noexcept {
    state_ = state;
    diagnostic_ = diagnostic;
    // The intervals of a session that is not up are exchanged anew as it comes up.
    is_polling_ = must_poll_again_ = false;
    const std::uint32_t announced_before = announced_tx_us_;
    announce_intervals();
    used_tx_us_ = announced_tx_us_;
    used_rx_us_ = parameters_.required_min_rx_us;
    if (state_ == BfdState::kUp && announced_tx_us_ != announced_before) start_poll();
    return {.packet = transmit(BfdSequence::kNeither, now_ns), .has_changed = true};
}

void BfdSession::announce_intervals() noexcept {
    announced_tx_us_ = state_ == BfdState::kUp ? parameters_.desired_min_tx_us
                                               : std::max(parameters_.desired_min_tx_us, kSlowTxUs);
}

void BfdSession::set_parameters(const BfdParameters& parameters, std::uint64_t now_ns) noexcept {
    const std::uint32_t announced_before = announced_tx_us_;
    const std::uint32_t required_before = parameters_.required_min_rx_us;
    parameters_ = parameters;
    announce_intervals();
    // 6.8.3: while up, no slower than before, and no stricter, until the neighbour knows.
    const bool is_up = state_ == BfdState::kUp;
    used_tx_us_ = is_up ? std::min(used_tx_us_, announced_tx_us_) : announced_tx_us_;
    used_rx_us_ = is_up ? std::max(used_rx_us_, parameters.required_min_rx_us)
                        : parameters.required_min_rx_us;
    if (is_up &&
        (announced_tx_us_ != announced_before || parameters.required_min_rx_us != required_before))
        start_poll();
    reschedule(now_ns);
}

void BfdSession::start_poll() noexcept {
    must_poll_again_ = is_polling_;
    is_polling_ = true;
}

void BfdSession::end_poll() noexcept {
    is_polling_ = must_poll_again_;
    must_poll_again_ = false;
    if (is_polling_) return;
    used_tx_us_ = announced_tx_us_;
    used_rx_us_ = parameters_.required_min_rx_us;
}

BfdOutcome BfdSession::disable(std::uint64_t now_ns) noexcept {
    if (state_ == BfdState::kAdminDown) return {};
    return set_state(BfdState::kAdminDown, BfdDiagnostic::kAdministrativelyDown, now_ns);
}

BfdOutcome BfdSession::enable(std::uint64_t now_ns) noexcept {
    if (state_ != BfdState::kAdminDown) return {};
    return set_state(BfdState::kDown, BfdDiagnostic::kNone, now_ns);
}

BfdOutcome BfdSession::advance(std::uint64_t now_ns) noexcept {
    const bool is_heard = remote_ != BfdDiscriminator();
    if (is_heard && now_ns - last_received_ns_ >= detection_time_ns()) {
        // 6.8.1: bfd.RemoteDiscr. What the neighbour wanted is void, too: it may be another by now,
        // and one that once wanted no packets would never hear of us again.
        remote_ = BfdDiscriminator();
        remote_state_ = BfdState::kDown;
        remote_min_rx_us_ = 1;
        is_remote_demand_ = false;
        if (state_ == BfdState::kInit || state_ == BfdState::kUp)
            return set_state(BfdState::kDown, BfdDiagnostic::kDetectionTimeExpired, now_ns);
        reschedule(now_ns);
    }
    if (now_ns < next_send_ns_) return {};
    return {.packet = transmit(BfdSequence::kNeither, now_ns), .has_changed = false};
}

// 6.8.7: not to a neighbour that wants no packets, nor, but for poll sequences, to one in demand
// mode while both ends are up.
bool BfdSession::may_send_periodically() const noexcept {
    if (remote_min_rx_us_ == 0) return false;
    const bool is_demanded = is_remote_demand_ && state_ == BfdState::kUp &&
                             remote_state_ == BfdState::kUp && !is_polling_;
    return !is_demanded;
}

void BfdSession::reschedule(std::uint64_t now_ns) noexcept {
    if (!may_send_periodically()) {
        scheduled_interval_ns_ = 0;
        next_send_ns_ = kNever;
        return;
    }
    const std::uint64_t interval = transmit_interval_ns();
    if (interval == scheduled_interval_ns_) return;
    scheduled_interval_ns_ = interval;
    // 6.8.3: a shorter interval counts from the last packet on, not from the next.
    next_send_ns_ = std::max(now_ns, last_sent_ns_ + jittered(interval));
}

// 6.8.7: reduced by 0 to 25 %, and by 10 % at least where the multiplier is 1. 10 to 25 % is right
// for any multiplier.
std::uint64_t BfdSession::jittered(std::uint64_t interval_ns) noexcept {
    random_ ^= random_ << 13;  // xorshift64: Marsaglia, Journal of Statistical Software 8 (14)
    random_ ^= random_ >> 7;
    random_ ^= random_ << 17;
    constexpr std::uint64_t kSteps = 1 << 16;
    const std::uint64_t span = interval_ns * 15 / 100;
    return interval_ns * 75 / 100 + span * (random_ % kSteps) / kSteps;
}

BfdControlPacket BfdSession::transmit(BfdSequence sequence, std::uint64_t now_ns) noexcept {
    const bool is_answer = sequence == BfdSequence::kFinal;
    if (!is_answer) {  // an answer does not disturb the rhythm
        last_sent_ns_ = now_ns;
        scheduled_interval_ns_ = 0;
        reschedule(now_ns);
    }
    return {
        .diagnostic = diagnostic_,
        .state = state_,
        .sequence = !is_answer && is_polling_ ? BfdSequence::kPoll : sequence,
        .multiplier = parameters_.multiplier,
        .mine = local_,
        .yours = remote_,
        .desired_min_tx_us = announced_tx_us_,
        .required_min_rx_us = parameters_.required_min_rx_us,
    };
}

}  // namespace causeway
