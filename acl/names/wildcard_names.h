// SPDX-License-Identifier: Apache-2.0
//
// WildcardNames: names with a "*" inside, by the text in which a PatternDatabase finds them.
//
// Thread safety: immutable once built; any number of readers.
//
// The names of one text lie one behind the other with all that a verdict needs, and one that fits a
// cache line lies in one. Tables are cold when a name is asked for: what is spread over strings and
// vectors costs four lines from memory where this costs two.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "acl/names/hostname.h"
#include "acl/names/name_pattern.h"
#include "acl/names/name_set.h"
#include "base/limits.h"

namespace causeway {

class WildcardNames {
  public:
    struct Name {
        NamePattern pattern;
        NameSetBits in = 0;
        NameSetBits out = 0;
    };

    // `by_text[place]`: the names that have the text of this place.
    explicit WildcardNames(std::span<const std::vector<Name>> by_text);

    [[nodiscard]] std::size_t texts() const noexcept { return starts_.size(); }
    // Calls decide(literals, in, out) for each that matches, of those with this text.
    template <class Decide>
    void match(std::size_t place, const Hostname& name, Decide&& decide) const noexcept {
        const char* at = lines_.front().bytes.data() + starts_[place];
        for (;;) {
            Head head;
            std::memcpy(&head, at, sizeof head);
            if (pattern_matches({at + sizeof head, head.bytes}, name)) {
                decide(head.literals, head.in, head.out);
            }
            if (head.to_next == 0) return;
            at += head.to_next;
        }
    }
    [[nodiscard]] std::size_t bytes() const noexcept {
        return lines_.size() * sizeof(Line) + starts_.size() * sizeof(std::uint32_t);
    }

  private:
    // The pattern's text follows it.
    struct Head {
        NameSetBits in;
        NameSetBits out;
        std::uint16_t to_next;  // bytes from here to the next of the same text; of the last: zero
        std::uint8_t literals;
        std::uint8_t bytes;
    };
    struct alignas(kCacheLine) Line {
        std::array<char, kCacheLine> bytes;
    };

    std::vector<Line> lines_;
    std::vector<std::uint32_t> starts_;  // by place: bytes from the first line on
};

}  // namespace causeway
