// SPDX-License-Identifier: Apache-2.0
//
// StreamHead: the first bytes of a TCP stream, out of segments that come in any order, more than
// once, or overlapping. What came first stays (as in most receivers; RFC 9293 3.10.7.4 leaves it
// open).
//
// Bounded: bytes beyond the head are passed over, and so is a segment that would leave more holes
// than there is room to remember. Sequence numbers wrap (RFC 9293 3.4).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace causeway {

template <std::size_t kBytes>
class StreamHead {
  public:
    static constexpr std::size_t kRunsMax = 16;

    // The stream's first byte has this number.
    explicit StreamHead(std::uint32_t first = 0) noexcept : first_(first) {}
    // As new, for another stream.
    void restart(std::uint32_t first) noexcept {
        first_ = first;
        count_ = 0;
    }

    void put(std::uint32_t sequence, std::span<const std::uint8_t> bytes) noexcept {
        // As an offset from the head's begin; what lies before is old.
        auto offset = static_cast<std::int64_t>(static_cast<std::int32_t>(sequence - first_));
        auto end = offset + static_cast<std::int64_t>(bytes.size());
        end = std::min<std::int64_t>(end, kBytes);
        if (end <= 0 || offset >= end) return;
        const std::uint8_t* from = bytes.data();
        if (offset < 0) {
            from -= offset;
            offset = 0;
        }
        put({static_cast<std::uint32_t>(offset), static_cast<std::uint32_t>(end)}, from);
    }

    // What has come without a hole.
    [[nodiscard]] std::span<const std::uint8_t> bytes() const noexcept {
        const bool has_begin = count_ != 0 && runs_[0].begin == 0;
        return std::span(bytes_).first(has_begin ? runs_[0].end : 0);
    }
    [[nodiscard]] bool is_full() const noexcept { return bytes().size() == kBytes; }

    // Forgets the first bytes of bytes(); the head begins behind them.
    void consume(std::size_t count) noexcept {
        std::memmove(bytes_.data(), bytes_.data() + count, kBytes - count);
        first_ += static_cast<std::uint32_t>(count);
        std::size_t kept = 0;
        for (std::size_t k = 0; k < count_; ++k) {
            if (runs_[k].end <= count) continue;
            runs_[kept].begin =
                static_cast<std::uint32_t>(std::max<std::size_t>(runs_[k].begin, count) - count);
            runs_[kept++].end = static_cast<std::uint32_t>(runs_[k].end - count);
        }
        count_ = kept;
    }

  private:
    struct Run {
        std::uint32_t begin;
        std::uint32_t end;
    };

    // Copies what lies in no run yet, then makes one of all runs that it touches.
    void put(Run fresh, const std::uint8_t* from) noexcept {
        std::array<Run, kRunsMax + 1> next;
        std::size_t count = 0;
        std::uint32_t at = fresh.begin;
        Run merged = fresh;
        for (std::size_t k = 0; k < count_; ++k) {
            const Run run = runs_[k];
            if (run.end < fresh.begin) {
                next[count++] = run;
            } else if (run.begin <= fresh.end) {
                merged.begin = std::min(merged.begin, run.begin);
                merged.end = std::max(merged.end, run.end);
            }
        }
        next[count++] = merged;
        for (std::size_t k = 0; k < count_; ++k) {
            if (runs_[k].begin > fresh.end) next[count++] = runs_[k];
        }
        if (count > kRunsMax) return;
        for (std::size_t k = 0; k < count_ && at < fresh.end; ++k) {
            if (runs_[k].end <= at) continue;
            copy(at, std::min(runs_[k].begin, fresh.end), fresh.begin, from);
            at = std::max(at, runs_[k].end);
        }
        copy(at, fresh.end, fresh.begin, from);
        std::copy_n(next.begin(), count, runs_.begin());
        count_ = count;
    }
    void copy(std::uint32_t begin, std::uint32_t end, std::uint32_t from_begin,
              const std::uint8_t* from) noexcept {
        if (begin < end)
            std::memcpy(bytes_.data() + begin, from + (begin - from_begin), end - begin);
    }

    std::array<std::uint8_t, kBytes> bytes_;
    std::array<Run, kRunsMax> runs_;  // disjoint, in order, not touching
    std::size_t count_ = 0;
    std::uint32_t first_;
};

}  // namespace causeway
