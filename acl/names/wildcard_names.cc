// SPDX-License-Identifier: Apache-2.0
#include "acl/names/wildcard_names.h"

#include <algorithm>

#include "base/check.h"

namespace causeway {

WildcardNames::WildcardNames(std::span<const std::vector<Name>> by_text) {
    std::vector<char> bytes;
    for (const std::vector<Name>& names : by_text) {
        CHECK(!names.empty());
        std::size_t before = 0;
        for (std::size_t k = 0; k < names.size(); ++k) {
            const std::string& text = names[k].pattern.text();
            const std::size_t size = sizeof(Head) + text.size();
            const std::size_t left = kCacheLine - bytes.size() % kCacheLine;
            if (size > left) bytes.resize(bytes.size() + left);
            const std::size_t start = bytes.size();
            if (k == 0) {
                starts_.push_back(static_cast<std::uint32_t>(start));
            } else {
                const auto step = static_cast<std::uint16_t>(start - before);
                std::memcpy(bytes.data() + before + offsetof(Head, to_next), &step, sizeof step);
            }
            const Head head{.in = names[k].in,
                            .out = names[k].out,
                            .to_next = 0,
                            .literals = static_cast<std::uint8_t>(names[k].pattern.literals()),
                            .bytes = static_cast<std::uint8_t>(text.size())};
            bytes.resize(start + size);
            std::memcpy(bytes.data() + start, &head, sizeof head);
            std::memcpy(bytes.data() + start + sizeof head, text.data(), text.size());
            before = start;
        }
    }
    lines_.resize(bytes.size() / kCacheLine + 1);
    std::copy(bytes.begin(), bytes.end(), lines_.front().bytes.data());
}

}  // namespace causeway
