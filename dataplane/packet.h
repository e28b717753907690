// SPDX-License-Identifier: Apache-2.0
//
// Packet: a frame in the hands of the control thread, with its owner. What the slow path does to
// packets it does through this, so that it knows nothing of mbufs.
//
// Thread safety: the control thread's alone, from take to release().
#pragma once

#include <rte_mbuf.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/check.h"
#include "dataplane/punt.h"

namespace causeway {

class Packet {
  public:
    explicit Packet(rte_mbuf* mbuf) noexcept : mbuf_(mbuf) { CHECK(mbuf != nullptr); }
    // An empty one; nothing where the pool is.
    [[nodiscard]] static std::optional<Packet> make(rte_mempool* pool) noexcept;

    Packet(Packet&& other) noexcept : mbuf_(std::exchange(other.mbuf_, nullptr)) {}
    Packet& operator=(Packet&& other) noexcept {
        std::swap(mbuf_, other.mbuf_);
        return *this;
    }
    ~Packet() {
        if (mbuf_ != nullptr) rte_pktmbuf_free(mbuf_);
    }

    [[nodiscard]] std::span<std::uint8_t> bytes() noexcept {
        return {rte_pktmbuf_mtod(mbuf_, std::uint8_t*), mbuf_->data_len};
    }
    [[nodiscard]] PuntNote& note() noexcept { return PuntNote::of(*mbuf_); }

    // Cuts bytes off the front. REQUIRES: they are there.
    void strip(std::size_t bytes) noexcept;
    // Lays bytes before the front. False where the headroom is too small, and nothing changed.
    [[nodiscard]] bool prepend(std::span<const std::uint8_t> header) noexcept;
    // Makes it this long, cutting or adding at the end; new bytes are not set. False where it has
    // no room, and nothing changed.
    [[nodiscard]] bool resize(std::size_t bytes) noexcept;

    // Fragments of this IPv4 packet (which starts at the first byte), each at most mtu bytes.
    // Nothing where the pool is empty or the packet would make too many.
    [[nodiscard]] std::vector<Packet> fragments(std::size_t mtu, rte_mempool* pool);

    [[nodiscard]] rte_mbuf* release() noexcept { return std::exchange(mbuf_, nullptr); }

  private:
    rte_mbuf* mbuf_;
};

}  // namespace causeway
