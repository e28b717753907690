// SPDX-License-Identifier: Apache-2.0
//
// NatTables: what the walk must know of NAT44 (nat/ has the rest): whose sources are translated,
// which destinations are public addresses of ours, and where the workers' translators are.
//
// Thread safety: immutable once a Tables points to it, but for the clock. A translator is its
// worker's.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "acl/source_set.h"
#include "base/limits.h"
#include "base/types.h"
#include "nat/flow.h"
#include "nat/static_mappings.h"

namespace causeway {

class Translator;

// Packets between these are not translated.
struct NatException {
    Ipv4Prefix source;
    Ipv4Prefix destination;
    friend bool operator==(const NatException&, const NatException&) = default;
};

// Of attachments: who is inside, and by which pool they are translated.
struct NatInside {
    NatPoolId pool;
    SourceSet<Ipv4Address> sources;
    std::vector<NatException> exceptions;  // few: tried one by one

    [[nodiscard]] bool translates(Ipv4Address source, Ipv4Address destination) const noexcept {
        if (!sources.contains(source)) return false;
        return std::ranges::none_of(exceptions, [&](const NatException& exception) {
            return exception.source.contains(source) && exception.destination.contains(destination);
        });
    }
};

// Public addresses, and to whom they lead.
class PublicAddresses {
  public:
    struct Entry {
        Ipv4Prefix prefix;
        NatPoolId pool;
        VrfId inside;
        friend auto operator<=>(const Entry&, const Entry&) = default;
    };

    PublicAddresses() = default;
    // REQUIRES: no two overlap, unless they are equal; then the first one counts.
    explicit PublicAddresses(std::vector<Entry> entries)
        : entries_(std::move(entries)), count_(entries_.size()) {
        std::ranges::stable_sort(entries_, {}, &Entry::prefix);
    }

    // Whose it is, or nullptr. A binary search without a branch.
    [[nodiscard]] const Entry* find(Ipv4Address address) const noexcept {
        const Entry* first = entries_.data();
        std::size_t count = count_;
        if (count == 0) return nullptr;
        while (count > 1) {
            const std::size_t half = count / 2;
            first += first[half].prefix.first() <= address ? half : 0;
            count -= half;
        }
        return first->prefix.contains(address) ? first : nullptr;
    }
    [[nodiscard]] std::span<const Entry> entries() const noexcept { return entries_; }

  private:
    std::vector<Entry> entries_;
    std::size_t count_ = 0;  // of them: twelve bytes each, and find() does not divide
};

struct NatTables {
    // Those who are inside at an attachment, or nullptr.
    [[nodiscard]] const NatInside* inside_of(AttachmentId attachment) const noexcept {
        const std::uint16_t place = inside_of_attachment[attachment.value()];
        return place == 0 ? nullptr : &insides[place - 1U];
    }
    void add_inside(NatInside inside, std::span<const AttachmentId> attachments) {
        insides.push_back(std::move(inside));
        for (const AttachmentId attachment : attachments) {
            inside_of_attachment[attachment.value()] = static_cast<std::uint16_t>(insides.size());
        }
    }

    std::array<Translator*, kWorkersMax> translators{};
    const std::atomic<NatSeconds>* now = nullptr;  // the control thread's clock
    VrfId outside;                                 // in which public addresses are reached
    PublicAddresses publics;
    StaticMappings statics;
    std::vector<NatInside> insides;
    std::vector<std::uint16_t> inside_of_attachment =  // its place in insides, and one
        std::vector<std::uint16_t>(kAttachmentsMax);
};
static_assert(kNatPoolsMax < 65'535, "places fit sixteen bits");

}  // namespace causeway
