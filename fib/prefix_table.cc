// SPDX-License-Identifier: Apache-2.0
#include "fib/prefix_table.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/check.h"

namespace causeway {
namespace {

constexpr LengthSet bit_of(int length) noexcept {
    return length >= 1 && length <= 31 ? LengthSet{1} << length : 0;
}

// The lengths from 1 to `length`.
constexpr LengthSet lengths_to(int length) noexcept {
    return length >= 31 ? ~LengthSet{1} : (LengthSet{2} << length) - 2;
}
static_assert(lengths_to(0) == 0 && lengths_to(1) == 2 && lengths_to(30) == 0x7ffffffe);

// REQUIRES: lengths != 0.
constexpr int longest_of(LengthSet lengths) noexcept {
    return static_cast<int>(std::bit_width(lengths)) - 1;
}
static_assert(longest_of(bit_of(24) | bit_of(8)) == 24);

}  // namespace

std::string_view to_string(RouteSource source) noexcept {
    switch (source) {
        case RouteSource::kConnected:
            return "connected";
        case RouteSource::kStatic:
            return "static";
        case RouteSource::kBgp:
            return "bgp";
        case RouteSource::kCount:
            break;
    }
    return "unknown";
}

PrefixTable::Key PrefixTable::key_of(Ipv4Prefix prefix) noexcept {
    return Key{prefix.address().value()} << 8 | static_cast<Key>(prefix.length());
}

PrefixTable::Key PrefixTable::key_of(const PrefixEntry& entry) noexcept {
    return Key{entry.address.value()} << 8 | entry.length;
}

// The first entry at or after the key within the last run that begins at or before it; so the end
// of that run, rather than the start of the next, where the key lies between the two.
PrefixTable::Position PrefixTable::search(Key key) const noexcept {
    if (runs_.empty()) return {};
    const auto after = std::upper_bound(first_keys_.begin(), first_keys_.end(), key);
    Position position;
    if (after != first_keys_.begin()) {
        position.run_ = static_cast<std::uint32_t>(after - first_keys_.begin()) - 1;
    }
    const Run& run = runs_[position.run_];
    const auto found = std::lower_bound(
        run.begin(), run.end(), key,
        [](const PrefixEntry& entry, Key wanted) { return key_of(entry) < wanted; });
    position.offset_ = static_cast<std::uint32_t>(found - run.begin());
    return position;
}

PrefixTable::Position PrefixTable::lower_bound(Key key) const noexcept {
    Position position = search(key);
    if (position.run_ < runs_.size() && position.offset_ == runs_[position.run_].size()) {
        ++position.run_;
        position.offset_ = 0;
    }
    return position;
}

const PrefixEntry* PrefixTable::at(Position position) const noexcept {
    return position.run_ < runs_.size() ? &runs_[position.run_][position.offset_] : nullptr;
}

PrefixTable::Position PrefixTable::next(Position position) const noexcept {
    DCHECK(position.run_ < runs_.size());
    if (++position.offset_ == runs_[position.run_].size()) {
        ++position.run_;
        position.offset_ = 0;
    }
    return position;
}

PrefixTable::Position PrefixTable::after(Ipv4Prefix prefix) const noexcept {
    return lower_bound(key_of(prefix) + 1);
}

const PrefixEntry* PrefixTable::find(Ipv4Prefix prefix) const noexcept {
    const Key key = key_of(prefix);
    const PrefixEntry* const entry = at(lower_bound(key));
    return entry != nullptr && key_of(*entry) == key ? entry : nullptr;
}

PrefixEntry* PrefixTable::find(Ipv4Prefix prefix) noexcept {
    return const_cast<PrefixEntry*>(std::as_const(*this).find(prefix));
}

// What covers the address and stands before the key, by the predecessor's knowledge.
LengthSet PrefixTable::covering(Ipv4Address address, Key key) const noexcept {
    const Position position = search(key);
    if (position.offset_ == 0 && position.run_ == 0) return 0;
    const PrefixEntry& before = position.offset_ != 0 ? runs_[position.run_][position.offset_ - 1]
                                                      : runs_[position.run_ - 1].back();
    const int shared = std::countl_zero(before.address.value() ^ address.value());
    return (before.covered_by | bit_of(before.length)) & lengths_to(shared);
}

LengthSet PrefixTable::covering(Ipv4Prefix prefix) const noexcept {
    return covering(prefix.address(), key_of(prefix));
}

const PrefixEntry* PrefixTable::parent(Ipv4Prefix prefix) const noexcept {
    const LengthSet lengths = covering(prefix);
    if (lengths == 0) return nullptr;
    return find(Ipv4Prefix::of(prefix.address(), longest_of(lengths)));
}

std::vector<const PrefixEntry*> PrefixTable::matches(Ipv4Address address) const {
    std::vector<const PrefixEntry*> found;
    const auto take = [&](int length) {
        const PrefixEntry* const entry = find(Ipv4Prefix::of(address, length));
        if (entry != nullptr) found.push_back(entry);
    };
    take(32);
    // One more than the greatest length: after all that holds the address.
    LengthSet lengths = covering(address, key_of(Ipv4Prefix::of(address, 32)) + 1);
    for (; lengths != 0; lengths &= ~std::bit_floor(lengths)) take(longest_of(lengths));
    take(0);
    return found;
}

void PrefixTable::insert(Ipv4Prefix prefix, RouteSource source, GroupId group) {
    const Key key = key_of(prefix);
    const PrefixEntry entry{.address = prefix.address(),
                            .covered_by = covering(prefix),
                            .group = group,
                            .length = static_cast<std::uint8_t>(prefix.length()),
                            .source = source};
    if (runs_.empty()) {
        runs_.emplace_back();
        first_keys_.push_back(key);
    }
    Position place = search(key);
    if (runs_[place.run_].size() == kRunEntries) {
        split(place);
        place = search(key);
    }
    Run& run = runs_[place.run_];
    CHECK(place.offset_ == run.size() || key_of(run[place.offset_]) != key);
    run.insert(run.begin() + place.offset_, entry);
    if (place.offset_ == 0) first_keys_[place.run_] = key;
    ++size_;
    for_each_covered(prefix,
                     [&](PrefixEntry& covered) { covered.covered_by |= bit_of(prefix.length()); });
}

void PrefixTable::erase(Ipv4Prefix prefix) {
    for_each_covered(prefix,
                     [&](PrefixEntry& covered) { covered.covered_by &= ~bit_of(prefix.length()); });
    const Position place = lower_bound(key_of(prefix));
    CHECK(place.run_ < runs_.size());
    Run& run = runs_[place.run_];
    CHECK(key_of(run[place.offset_]) == key_of(prefix));
    run.erase(run.begin() + place.offset_);
    --size_;
    if (run.empty()) {
        runs_.erase(runs_.begin() + place.run_);
        first_keys_.erase(first_keys_.begin() + place.run_);
        return;
    }
    first_keys_[place.run_] = key_of(run.front());
    if (place.run_ + 1 < runs_.size()) merge_with_next(place.run_);
    if (place.run_ > 0) merge_with_next(place.run_ - 1);
}

// Makes room for an insertion here. A run that is full because routes come in order stays full.
void PrefixTable::split(Position place) {
    const bool is_append =
        place.run_ + 1 == runs_.size() && place.offset_ == runs_[place.run_].size();
    if (is_append) {
        // The new run borrows the last entry, since no run is empty.
        Run fresh{runs_.back().back()};
        runs_.back().pop_back();
        first_keys_.push_back(key_of(fresh.front()));
        runs_.push_back(std::move(fresh));
        return;
    }
    Run& full = runs_[place.run_];
    const auto middle = full.begin() + kRunEntries / 2;
    Run upper(middle, full.end());
    full.erase(middle, full.end());
    const auto after = static_cast<std::ptrdiff_t>(place.run_) + 1;
    first_keys_.insert(first_keys_.begin() + after, key_of(upper.front()));
    runs_.insert(runs_.begin() + after, std::move(upper));
}

// Half full at most afterwards, so that the next insertion does not split it again.
void PrefixTable::merge_with_next(std::size_t index) {
    Run& run = runs_[index];
    Run& following = runs_[index + 1];
    if (run.size() + following.size() > kRunEntries / 2) return;
    run.insert(run.end(), following.begin(), following.end());
    const auto gone = static_cast<std::ptrdiff_t>(index) + 1;
    runs_.erase(runs_.begin() + gone);
    first_keys_.erase(first_keys_.begin() + gone);
}

template <class Change>
void PrefixTable::for_each_covered(Ipv4Prefix prefix, const Change& change) {
    if (prefix.length() == 0) return;  // LengthSet does not speak of it
    for (Position place = after(prefix); place.run_ < runs_.size(); place = next(place)) {
        PrefixEntry& entry = runs_[place.run_][place.offset_];
        if (entry.address > prefix.last()) return;
        change(entry);
    }
}

}  // namespace causeway
