// SPDX-License-Identifier: Apache-2.0
//
// ByteCursor: reads a message of nested blocks from its begin, of which the end may not be there
// yet. A block must end within the one around it, whether it is all there or not. Once a read has
// failed, all later ones do, and yield nothing.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

namespace causeway {

class ByteCursor {
  public:
    using Bytes = std::span<const std::uint8_t>;

    // Of what may go on behind these bytes, nobody knows how far.
    explicit ByteCursor(Bytes begin) noexcept
        : ByteCursor(begin, std::numeric_limits<std::size_t>::max()) {}

    [[nodiscard]] std::uint32_t number(std::size_t bytes) noexcept {  // big-endian
        std::uint32_t value = 0;
        for (const std::uint8_t byte : take(bytes)) value = value << 8 | byte;
        return value;
    }
    [[nodiscard]] Bytes take(std::size_t bytes) noexcept {
        if (!may_take(bytes) || bytes > there_.size()) {
            there_ = {};
            has_failed_ = true;
            return {};
        }
        const Bytes taken = there_.first(bytes);
        there_ = there_.subspan(bytes);
        left_ -= bytes;
        return taken;
    }
    void skip(std::size_t bytes) noexcept { (void)take(bytes); }
    // A block of which the length stands before it, in so many bytes. It may be there in part.
    [[nodiscard]] ByteCursor block(std::size_t length_bytes) noexcept {
        const std::size_t length = number(length_bytes);
        ByteCursor block(there_.first(std::min(length, there_.size())), length);
        if (!may_take(length)) block.there_ = {};
        block.has_failed_ = has_failed_;
        block.is_malformed_ = is_malformed_;
        there_ = there_.subspan(block.there_.size());
        left_ -= is_malformed_ ? 0 : length;
        return block;
    }

    [[nodiscard]] bool has_failed() const noexcept { return has_failed_; }
    // Nothing more can be read now.
    [[nodiscard]] bool is_at_end() const noexcept { return has_failed_ || there_.empty(); }
    // At the end: whether more bytes could be read if they came.
    [[nodiscard]] bool may_go_on() const noexcept {
        return !is_malformed_ && (has_failed_ || left_ != 0);
    }

  private:
    ByteCursor(Bytes there, std::size_t left) noexcept : there_(there), left_(left) {}
    [[nodiscard]] bool may_take(std::size_t bytes) noexcept {
        if (!has_failed_ && bytes > left_) is_malformed_ = true;
        has_failed_ = has_failed_ || is_malformed_;
        return !has_failed_;
    }

    Bytes there_;
    std::size_t left_;  // of the block, there or not
    bool has_failed_ = false;
    bool is_malformed_ = false;
};

}  // namespace causeway
