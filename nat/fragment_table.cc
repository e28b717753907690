// SPDX-License-Identifier: Apache-2.0
#include "nat/fragment_table.h"

#include <algorithm>
#include <bit>

namespace causeway {

DatagramKey DatagramKey::of(const PacketView& fragment, NatDirection direction,
                            NatPoolId pool) noexcept {
    const Ipv4Header& header = fragment.header();
    return {.addresses = std::uint64_t{header.source.host()} << 32 | header.destination.host(),
            .rest = (std::uint64_t{pool.value()} + 1) << 40 |
                    std::uint64_t{static_cast<std::uint8_t>(direction)} << 32 |
                    std::uint64_t{header.protocol} << 16 | header.identification.host()};
}

FragmentTable::FragmentTable(const Options& options)
    : held_max_(options.held_max),
      held_by_one_max_(std::max(options.held_max / kSharesLeast, Datagram::kHeldMax)),
      secret_(options.secret),
      datagrams_(std::bit_ceil(std::max(options.datagrams_max, kWays))),
      held_by_(kSenders) {
    released_.reserve(2 * held_max_);
    dropped_.reserve(2 * held_max_);
}

std::span<Datagram, FragmentTable::kWays> FragmentTable::set_of(const DatagramKey& key) noexcept {
    const std::uint64_t hash = keyed_hash(key.addresses, key.rest, secret_);
    const std::size_t sets = datagrams_.size() / kWays;
    return std::span(datagrams_).subspan((hash & (sets - 1)) * kWays).first<kWays>();
}

Datagram* FragmentTable::find(const DatagramKey& key, NatSeconds now) noexcept {
    for (Datagram& datagram : set_of(key)) {
        if (datagram.key == key && datagram.deadline > now) return &datagram;
    }
    return nullptr;
}

Datagram* FragmentTable::add(const DatagramKey& key, NatSeconds now, NatSeconds deadline) noexcept {
    Datagram* chosen = nullptr;
    for (Datagram& datagram : set_of(key)) {
        if (datagram.key.rest == 0 || datagram.deadline <= now) {
            chosen = &datagram;
            break;
        }
        // Most that are known are complete. Those that wait are not pushed out, or who sends
        // nonsense would empty the table of what others wait for.
        if (datagram.state == DatagramState::kWaiting) continue;
        if (chosen == nullptr || datagram.added < chosen->added) chosen = &datagram;
    }
    if (chosen == nullptr) return nullptr;
    end(*chosen);
    chosen->key = key;
    chosen->deadline = deadline;
    chosen->added = ++added_;
    return chosen;
}

std::size_t FragmentTable::sender_of(const DatagramKey& key) const noexcept {
    const std::uint64_t source = key.addresses >> 32;
    const std::uint64_t pool_and_direction = key.rest >> 32;
    return keyed_hash(source, pool_and_direction, secret_) % kSenders;
}

bool FragmentTable::has_room(const DatagramKey& key) const noexcept {
    // What is on its way out counts until the caller has taken it: the lists never grow.
    return held_ + released_.size() + dropped_.size() < held_max_ &&
           held_by_[sender_of(key)] < held_by_one_max_;
}

bool FragmentTable::hold(Datagram& datagram, std::uint64_t handle) noexcept {
    if (datagram.held == Datagram::kHeldMax || !has_room(datagram.key)) return false;
    datagram.handles[datagram.held++] = handle;
    ++held_;
    ++held_by_[sender_of(datagram.key)];
    return true;
}

void FragmentTable::move(Datagram& datagram, std::vector<std::uint64_t>& to) noexcept {
    for (std::size_t i = 0; i < datagram.held; ++i) to.push_back(datagram.handles[i]);
    if (datagram.held == 0) return;
    held_ -= datagram.held;
    held_by_[sender_of(datagram.key)] -= datagram.held;
    datagram.held = 0;
}

void FragmentTable::release(Datagram& datagram) noexcept {
    move(datagram, released_);
}

void FragmentTable::refuse(Datagram& datagram) noexcept {
    move(datagram, dropped_);
    datagram.state = DatagramState::kRefused;
}

void FragmentTable::end(Datagram& datagram) noexcept {
    move(datagram, dropped_);
    datagram = {};
}

void FragmentTable::expire(NatSeconds now) noexcept {
    for (std::size_t i = 0; i < kWays; ++i) {
        Datagram& datagram = datagrams_[next_to_expire_];
        next_to_expire_ = (next_to_expire_ + 1) % datagrams_.size();
        if (datagram.key.rest != 0 && datagram.deadline <= now) end(datagram);
    }
}

}  // namespace causeway
