// SPDX-License-Identifier: Apache-2.0
#include "tests/nat/nat_workers.h"

namespace causeway::test {

// TCP and UDP by addresses and ports, fragments and the rest by addresses.
WorkerId NatWorkers::device_choice(const Bytes& packet) const {
    const auto word = [&](std::size_t at) {
        return static_cast<std::uint32_t>(packet[at]) << 8 | packet[at + 1];
    };
    if (packet.size() < 20) return WorkerId(0);
    const Ipv4Address source(word(12) << 16 | word(14));
    const Ipv4Address destination(word(16) << 16 | word(18));
    const bool is_fragment = (word(6) & 0x3fff) != 0;
    if (packet[0] != 0x45 || packet.size() < 24 || is_fragment ||
        (packet[9] != 6 && packet[9] != 17)) {
        return bed.steering.worker_of(NatProtocol::kIcmp, {source, 0}, {destination, 0});
    }
    return bed.steering.worker_of(NatProtocol::kUdp, {source, static_cast<std::uint16_t>(word(20))},
                                  {destination, static_cast<std::uint16_t>(word(22))});
}

std::vector<NatEvent> NatWorkers::take_events() {
    std::vector<NatEvent> events;
    for (const auto& ring : rings_) {
        std::array<NatEvent, 64> some;
        while (const std::size_t count = ring->take(some)) {
            events.insert(events.end(), some.begin(), some.begin() + count);
        }
        CHECK(ring->lost() == 0);
    }
    return events;
}

NatWorkers::Sent NatWorkers::send(NatDirection direction, const Bytes& packet, NatPoolId pool) {
    Sent sent{};
    sent.outcome = give(device_choice(packet), direction, packet, pool, sent);
    return sent;
}

NatOutcome NatWorkers::give(WorkerId worker, NatDirection stage, Bytes packet, NatPoolId pool,
                            Sent& sent) {
    Translator& translator = *translators[worker.value()];
    const std::uint64_t handle = next_handle_++;
    const NatPacket one{.bytes = packet.data(),
                        .size = static_cast<std::uint16_t>(packet.size()),
                        .pool = pool,
                        .handle = handle};
    NatResult result;
    if (stage == NatDirection::kOutbound) {
        translator.outbound({&one, 1}, {&result, 1}, statics, now);
    } else {
        translator.inbound({&one, 1}, {&result, 1}, statics, now);
    }
    if (result.outcome == NatOutcome::kHeld) held_[handle] = {packet, pool, result.stage};
    if (result.outcome == NatOutcome::kTranslated) sent.leaving.push_back(packet);
    const std::vector<std::uint64_t> released(translator.released().begin(),
                                              translator.released().end());
    drop_held(translator);
    NatOutcome outcome = result.outcome;
    if (outcome == NatOutcome::kHandOver) {
        CHECK(result.worker != worker);
        CHECK(++sent.hand_overs < 100);  // of a packet and its fragments
        outcome = give(result.worker, result.stage, packet, pool, sent);
    }
    for (const std::uint64_t one_released : released) {
        const Held again = held_.at(one_released);
        held_.erase(one_released);
        (void)give(worker, again.stage, again.packet, again.pool, sent);
    }
    return outcome;
}

void NatWorkers::drop_held(Translator& translator) {
    for (const std::uint64_t handle : translator.dropped()) CHECK(held_.erase(handle) == 1);
    translator.take_fragments();
}

}  // namespace causeway::test
