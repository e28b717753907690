// SPDX-License-Identifier: Apache-2.0
#include "fib/prefix_table.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace causeway {
namespace {

// The first element for which `is_before` does not hold. Without branches: the outcomes of a search
// cannot be predicted.
template <class T, class IsBefore>
std::size_t partition_point(const std::vector<T>& sorted, const IsBefore& is_before) noexcept {
    const T* base = sorted.data();
    std::size_t count = sorted.size();
    while (count > 1) {
        const std::size_t half = count / 2;
        base += is_before(base[half - 1]) ? half : 0;
        count -= half;
    }
    const auto at = static_cast<std::size_t>(base - sorted.data());
    return at + (count == 1 && is_before(*base) ? 1 : 0);
}

}  // namespace

std::string_view to_string(RouteSource source) noexcept {
    switch (source) {
        case RouteSource::kConnected:
            return "connected";
        case RouteSource::kApi:
            return "api";
        case RouteSource::kStatic:
            return "static";
        case RouteSource::kBgp:
            return "bgp";
        case RouteSource::kCount:
            break;
    }
    return "unknown";
}

// The last run that begins at or before the key, or the first.
template <class PrefixT>
std::size_t PrefixTable<PrefixT>::run_of(Key key) const noexcept {
    const std::size_t after =
        partition_point(first_keys_, [&](const Key& first) { return first <= key; });
    return after == 0 ? 0 : after - 1;
}

template <class PrefixT>
auto PrefixTable<PrefixT>::seek(PrefixT prefix) const noexcept -> Position {
    Position place;
    if (runs_.empty()) return place;
    const Key key = key_of(prefix.address(), prefix.length());
    const std::size_t run = run_of(key);
    place.run = static_cast<std::uint32_t>(run);
    place.offset = static_cast<std::uint32_t>(
        partition_point(runs_[run], [&](const Entry& entry) { return key_of(entry) < key; }));
    return place;
}

template <class PrefixT>
void PrefixTable<PrefixT>::prefetch(PrefixT prefix) const noexcept {
    if (runs_.empty()) return;
    const Run& run = runs_[run_of(key_of(prefix.address(), prefix.length()))];
    // The places where a search of the run looks first; the rest is near one of them.
    constexpr std::size_t kPieces = 8;
    for (std::size_t piece = 0; piece < kPieces; ++piece) {
        __builtin_prefetch(run.data() + run.size() * piece / kPieces);
    }
}

template <class PrefixT>
auto PrefixTable<PrefixT>::at(Position place) const noexcept -> const Entry* {
    if (place.run >= runs_.size()) return nullptr;
    const Run& run = runs_[place.run];
    if (place.offset < run.size()) return &run[place.offset];
    return place.run + std::size_t{1} < runs_.size() ? &runs_[place.run + 1].front() : nullptr;
}

template <class PrefixT>
auto PrefixTable<PrefixT>::at(Position place) noexcept -> Entry* {
    return const_cast<Entry*>(std::as_const(*this).at(place));
}

template <class PrefixT>
auto PrefixTable<PrefixT>::at(Position place, PrefixT prefix) const noexcept -> const Entry* {
    const Entry* const entry = at(place);
    const bool is_it =
        entry != nullptr && entry->address == prefix.address() && entry->length == prefix.length();
    return is_it ? entry : nullptr;
}

template <class PrefixT>
auto PrefixTable<PrefixT>::at(Position place, PrefixT prefix) noexcept -> Entry* {
    return const_cast<Entry*>(std::as_const(*this).at(place, prefix));
}

template <class PrefixT>
auto PrefixTable<PrefixT>::next(Position place) const noexcept -> Position {
    DCHECK(at(place) != nullptr);
    if (place.offset >= runs_[place.run].size()) {
        ++place.run;
        place.offset = 0;
    }
    ++place.offset;
    return place;
}

template <class PrefixT>
auto PrefixTable<PrefixT>::after(PrefixT prefix) const noexcept -> Position {
    const Position place = seek(prefix);
    return at(place, prefix) != nullptr ? next(place) : place;
}

// The lengths of what stands before the place and covers the address, by the predecessor's
// knowledge.
template <class PrefixT>
auto PrefixTable<PrefixT>::covering(Position place, Address address) const noexcept -> Lengths {
    if (place.offset == 0 && place.run == 0) return {};
    const Entry& before =
        place.offset != 0 ? runs_[place.run][place.offset - 1] : runs_[place.run - 1].back();
    Lengths lengths = before.covered_by;
    lengths.add(Lengths::of(before.length));
    return lengths & Lengths::up_to(shared_bits(before.address, address));
}

template <class PrefixT>
auto PrefixTable<PrefixT>::parent(const Entry& entry) const noexcept -> const Entry* {
    if (entry.covered_by.empty()) return nullptr;
    return find(PrefixT::of(entry.address, entry.covered_by.longest()));
}

template <class PrefixT>
auto PrefixTable<PrefixT>::matches(Address address) const -> std::vector<const Entry*> {
    std::vector<const Entry*> found;
    const auto take = [&](int length) {
        const Entry* const entry = find(PrefixT::of(address, length));
        if (entry != nullptr) found.push_back(entry);
    };
    const PrefixT host = PrefixT::of(address, PrefixT::kLengthMax);
    take(host.length());
    Lengths lengths = covering(after(host), address);
    for (; !lengths.empty(); lengths.remove(Lengths::of(lengths.longest()))) {
        take(lengths.longest());
    }
    take(0);
    return found;
}

template <class PrefixT>
auto PrefixTable<PrefixT>::insert(Position place, PrefixT prefix, RouteSource source, GroupId group)
    -> Position {
    DCHECK(at(place, prefix) == nullptr);
    Entry entry;
    entry.address = prefix.address();
    entry.covered_by = covering(place, prefix.address());
    entry.group = group;
    entry.length = static_cast<std::uint8_t>(prefix.length());
    entry.source = source;
    place = make_room(place);
    Run& run = runs_[place.run];
    run.insert(run.begin() + place.offset, entry);
    if (place.offset == 0) first_keys_[place.run] = key_of(entry);
    ++size_;
    for_each_covered(next(place), prefix,
                     [&](Entry& covered) { covered.covered_by.add(Lengths::of(prefix.length())); });
    return place;
}

template <class PrefixT>
auto PrefixTable<PrefixT>::erase(Position place) -> Position {
    CHECK(place.run < runs_.size() && place.offset < runs_[place.run].size());
    Run& run = runs_[place.run];
    const PrefixT prefix = run[place.offset].prefix();
    for_each_covered(next(place), prefix, [&](Entry& covered) {
        covered.covered_by.remove(Lengths::of(prefix.length()));
    });
    run.erase(run.begin() + place.offset);
    --size_;
    if (run.empty()) {
        runs_.erase(runs_.begin() + place.run);
        first_keys_.erase(first_keys_.begin() + place.run);
        return place;
    }
    first_keys_[place.run] = key_of(run.front());
    if (place.run + std::size_t{1} < runs_.size()) (void)merge_with_next(place.run);
    if (place.run > 0) {
        const auto before = static_cast<std::uint32_t>(runs_[place.run - 1].size());
        if (merge_with_next(place.run - 1)) {
            --place.run;
            place.offset += before;
        }
    }
    return place;
}

// Sees to it that the run has room at this place, which may be another place then. A run that is
// full because prefixes come in order stays full.
template <class PrefixT>
auto PrefixTable<PrefixT>::make_room(Position place) -> Position {
    if (runs_.empty()) {
        runs_.emplace_back();
        first_keys_.emplace_back();
        return place;
    }
    Run& full = runs_[place.run];
    if (full.size() < kRunEntries) return place;
    const bool is_append =
        place.run + std::size_t{1} == runs_.size() && place.offset == full.size();
    const std::size_t kept = is_append ? full.size() : kRunEntries / 2;
    Run upper(full.begin() + static_cast<std::ptrdiff_t>(kept), full.end());
    full.resize(kept);
    const auto after = static_cast<std::ptrdiff_t>(place.run) + 1;
    first_keys_.insert(first_keys_.begin() + after, upper.empty() ? Key{} : key_of(upper.front()));
    runs_.insert(runs_.begin() + after, std::move(upper));
    if (is_append || place.offset > kept) {
        ++place.run;
        place.offset -= static_cast<std::uint32_t>(kept);
    }
    return place;
}

// Half full at most afterwards, so that the next insertion does not split it again.
template <class PrefixT>
bool PrefixTable<PrefixT>::merge_with_next(std::size_t index) {
    Run& run = runs_[index];
    Run& following = runs_[index + 1];
    if (run.size() + following.size() > kRunEntries / 2) return false;
    run.insert(run.end(), following.begin(), following.end());
    const auto gone = static_cast<std::ptrdiff_t>(index) + 1;
    runs_.erase(runs_.begin() + gone);
    first_keys_.erase(first_keys_.begin() + gone);
    return true;
}

template <class PrefixT>
template <class Change>
void PrefixTable<PrefixT>::for_each_covered(Position after, PrefixT prefix, const Change& change) {
    if (prefix.length() == 0) return;  // a LengthSet does not speak of it
    const Address last = prefix.last();
    for (Position place = after;; place = next(place)) {
        Entry* const entry = at(place);
        if (entry == nullptr || entry->address > last) return;
        change(*entry);
    }
}

template class PrefixTable<Ipv4Prefix>;
template class PrefixTable<Ipv6Prefix>;

}  // namespace causeway
