// SPDX-License-Identifier: Apache-2.0
//
// BfdArrivals: BFD packets that the tag filter (xdp/tag_filter.h) took out of an interface before
// they could queue behind data. A ring in memory that the kernel fills; nobody waits.
//
// Thread safety: one consumer.
//
// A record is a header of 8 bytes, whose first word is the length of what follows and two marks,
// and then the data, up to a multiple of 8 bytes. Positions count bytes for ever; the data lies
// twice side by side, so no record is ever in two parts (Linux, Documentation/bpf/ringbuf.rst).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.h"
#include "dataplane/bfd/datagram.h"

namespace causeway {

class BfdArrivals {
  public:
    // Of the filter's ring; the map's descriptor may be closed afterwards.
    [[nodiscard]] static Result<BfdArrivals> open(int map);

    BfdArrivals(BfdArrivals&& other) noexcept;
    BfdArrivals& operator=(BfdArrivals&& other) noexcept;
    ~BfdArrivals();

    // Takes the oldest packet: its attachment, and the packet from layer 3 on. False: none is left.
    [[nodiscard]] bool take(BfdFrame& frame) noexcept;

  private:
    BfdArrivals() = default;
    void release() noexcept;

    std::span<std::uint8_t> consumer_page_;  // its first word: the position that we have read up to
    std::span<std::uint8_t> rest_;  // a page with the position that is written up to, and the data
    const std::uint8_t* data_ = nullptr;
};

}  // namespace causeway
