// SPDX-License-Identifier: Apache-2.0
#include "nat/steering.h"

#include <bit>

namespace causeway {
namespace {

constexpr std::size_t kKeyBytesMin = 16;  // 12 bytes of input, and the last bit's window

// The 32 bits of the key that an input bit, if it is set, adds to the hash; low ones are used.
std::uint32_t window(std::span<const std::uint8_t> key, std::size_t bit) noexcept {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < 5; ++i) {
        const std::size_t at = bit / 8 + i;
        value = value << 8 | (at < key.size() ? key[at] : 0U);
    }
    return static_cast<std::uint32_t>(value >> (8 - bit % 8));
}

template <class Bytes>
void fill(Bytes& contributions, std::span<const std::uint8_t> key, std::size_t byte,
          std::uint32_t mask) noexcept {
    for (std::uint32_t value = 0; value < contributions.size(); ++value) {
        std::uint32_t sum = 0;
        for (std::size_t bit = 0; bit < 8; ++bit) {
            if ((value >> (7 - bit) & 1U) != 0) sum ^= window(key, byte * 8 + bit);
        }
        contributions[value] = static_cast<std::uint16_t>(sum & mask);
    }
}

bool is_symmetric(std::span<const std::uint8_t> key, std::uint32_t mask) noexcept {
    for (std::size_t bit = 0; bit < 32; ++bit) {
        if (((window(key, bit) ^ window(key, 32 + bit)) & mask) != 0) return false;
    }
    for (std::size_t bit = 64; bit < 80; ++bit) {
        if (((window(key, bit) ^ window(key, 16 + bit)) & mask) != 0) return false;
    }
    return true;
}

}  // namespace

Result<Steering> Steering::toeplitz(std::span<const std::uint8_t> key,
                                    std::span<const WorkerId> workers) {
    if (!std::has_single_bit(workers.size()) || workers.size() > 1U << kIndexBitsMax) {
        return Unexpected(ErrorCode::kInvalid, "an indirection table has 2^n entries, at most 512");
    }
    const auto mask = static_cast<std::uint32_t>(workers.size() - 1);
    if (key.size() < kKeyBytesMin || !is_symmetric(key, mask)) {
        return Unexpected(ErrorCode::kInvalid, "the key of the receive hash is not symmetric");
    }
    Steering steering;
    for (std::size_t i = 0; i < 4; ++i) fill(steering.address_[i], key, i, mask);
    for (std::size_t i = 0; i < 2; ++i) fill(steering.port_[i], key, 8 + i, mask);
    steering.workers_.assign(workers.begin(), workers.end());
    steering.find_kinds();
    return steering;
}

Steering Steering::to(WorkerId worker) {
    Steering steering;
    steering.workers_ = {worker};
    steering.find_kinds();
    return steering;
}

// Eliminates the differences that no entry of the table sees, one leading bit at a time; the bits
// that lead none, packed, are the kind.
void Steering::find_kinds() {
    const std::size_t count = workers_.size();
    std::array<std::uint32_t, kIndexBitsMax> leads{};  // by leading bit: a difference, or zero
    for (std::uint32_t difference = 1; difference < count; ++difference) {
        bool is_seen = false;
        for (std::size_t i = 0; i < count; ++i) is_seen |= workers_[i ^ difference] != workers_[i];
        if (is_seen) continue;
        const auto bit = static_cast<std::size_t>(std::bit_width(difference) - 1);
        if (leads[bit] == 0) leads[bit] = difference;
    }
    kinds_.resize(count);
    kind_count_ = 1;
    for (std::uint32_t index = 0; index < count; ++index) {
        std::uint32_t rest = index;
        std::uint32_t kind = 0;
        for (std::size_t bit = kIndexBitsMax; bit-- > 0;) {
            if (leads[bit] != 0) {
                if ((rest >> bit & 1U) != 0) rest ^= leads[bit];
            } else if (std::size_t{1} << bit < count) {
                kind = kind << 1 | (rest >> bit & 1U);
            }
        }
        kinds_[index] = static_cast<std::uint16_t>(kind);
        if (kind >= kind_count_) kind_count_ = kind + 1;
    }
    ports_.assign(kind_count_, 0);
    for (unsigned port = 0; port < 64; ++port) {
        ports_[kinds_[contribution(port)]] |= std::uint64_t{1} << port;
    }
}

}  // namespace causeway
