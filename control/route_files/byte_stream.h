// SPDX-License-Identifier: Apache-2.0
//
// Bytes of a file as they come, and a window through which a parser looks at them. Memory is that
// of the window, however long the file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"

namespace causeway {

class ByteSource {
  public:
    virtual ~ByteSource() = default;
    // The next bytes, which stay until the next call; none at the end.
    [[nodiscard]] virtual Result<std::span<const std::uint8_t>> read() = 0;
};

class ByteWindow {
  public:
    explicit ByteWindow(ByteSource& source) : source_(source) {}

    // What is ahead: at least `count` bytes, or all that is left. Stays until the next call.
    [[nodiscard]] Result<std::span<const std::uint8_t>> peek(std::size_t count) {
        while (bytes_.size() - begin_ < count && !is_at_end_) {
            const Result<std::span<const std::uint8_t>> read = source_.read();
            if (!read) return Unexpected(read.error());
            bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(begin_));
            begin_ = 0;
            bytes_.insert(bytes_.end(), read->begin(), read->end());
            is_at_end_ = read->empty();
        }
        return std::span<const std::uint8_t>(bytes_).subspan(begin_);
    }

    // REQUIRES: count <= the size of the last peek
    void skip(std::size_t count) {
        DCHECK(count <= bytes_.size() - begin_);
        begin_ += count;
        offset_ += count;
    }

    // Bytes skipped since the beginning.
    [[nodiscard]] std::uint64_t offset() const noexcept { return offset_; }

  private:
    ByteSource& source_;
    std::vector<std::uint8_t> bytes_;
    std::size_t begin_ = 0;  // of what is ahead, in bytes_
    std::uint64_t offset_ = 0;
    bool is_at_end_ = false;
};

}  // namespace causeway
