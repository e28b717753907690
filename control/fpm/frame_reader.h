// SPDX-License-Identifier: Apache-2.0
//
// FpmFrameReader: parts the byte stream of an FPM connection into frames, however the stream was
// split on its way.
//
//   0        8        16                31
//  +--------+--------+-----------------+
//  | version| type   | length          |   length: big-endian, of this header, too
//  +--------+--------+-----------------+
//  | netlink messages, in host order ...
//
// (FRR fpm/fpm.h.) zebra's dplane_fpm_nl puts the deletion and the addition of a route's update
// into one frame.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "control/fpm/fpm_counters.h"

namespace causeway {

inline constexpr std::size_t kFpmHeaderBytes = 4;
// zebra builds a frame in 8 KiB (NL_PKT_BUF_SIZE of FRR 8.4); four times that is another protocol.
inline constexpr std::size_t kFpmFrameBytesMax = std::size_t{32} << 10;

class FpmFrameReader {
  public:
    void append(std::span<const std::uint8_t> bytes);

    // The netlink part of the next frame; it stays until the next append(). Nothing: the rest of
    // the frame has not come, or error() says why no frame will ever follow.
    [[nodiscard]] std::optional<std::span<const std::uint8_t>> next();
    [[nodiscard]] bool has_frame();  // or an error()
    [[nodiscard]] std::optional<FpmEvent> error() const noexcept { return error_; }

    // Appended, and not yet given out.
    [[nodiscard]] std::size_t waiting_bytes() const noexcept { return bytes_.size() - begin_; }

  private:
    // The length of the next frame, header included, if it is there as a whole.
    [[nodiscard]] std::optional<std::size_t> whole_length();

    std::vector<std::uint8_t> bytes_;
    std::size_t begin_ = 0;  // of the next frame, in bytes_
    std::optional<FpmEvent> error_;
};

}  // namespace causeway
