// SPDX-License-Identifier: Apache-2.0
#include "fib/fib6.h"

#include <algorithm>
#include <bit>
#include <string>
#include <utility>

#include "base/cpu.h"

namespace causeway {
namespace {

template <class Entry>
void store(Entry* entry, Entry value) noexcept {
    __atomic_store_n(entry, value, __ATOMIC_RELEASE);
}

constexpr unsigned kHalfBits = 64;

// So many bits of the address after the first `depth`.
std::uint32_t bits_of(Uint128 address, unsigned depth, unsigned count) noexcept {
    return static_cast<std::uint32_t>(address << depth >> (Ipv6Address::kBits - count));
}

// The rest of the half of the address that this depth is in.
std::uint64_t half_after(Uint128 address, unsigned depth) noexcept {
    return static_cast<std::uint64_t>(address << depth >> kHalfBits);
}

constexpr std::uint64_t mask_of(unsigned length) noexcept {
    return length == 0 ? 0 : ~std::uint64_t{0} << (kHalfBits - length);
}

// An address that goes through a skip of this depth; its bits before that are zero.
Uint128 address_inside(const Fib6Skip& skip, unsigned depth) noexcept {
    return Uint128{skip.expected} << kHalfBits >> depth;
}

NodeSize size_of(Fib6Entry node) noexcept {
    if (is_skip(node) || stride_of(node) == 4) return NodeSize::kSmall;
    return stride_of(node) == 8 ? NodeSize::kMedium : NodeSize::kLarge;
}

constexpr std::uint32_t line_of(Fib6Entry node) noexcept {
    return node & kFib6LineMask;
}

// Of a node at this depth, without what kind it is.
constexpr Fib6Entry name_of(std::uint32_t line, unsigned depth) noexcept {
    return kFib6NodeBit | (depth == kHalfBits ? kFib6LowBit : 0) | line;
}

}  // namespace

Result<std::unique_ptr<Fib6>> Fib6::create(GracePeriods& grace, const Options& options) {
    if (options.vrfs_max == 0 || options.vrfs_max > kVrfsMax) {
        return Unexpected(ErrorCode::kInvalid, "more VRFs than can be named");
    }
    Result<TrieNodes> nodes = TrieNodes::create(grace, options.bytes_max);
    if (!nodes) return Unexpected(nodes.error());
    return std::unique_ptr<Fib6>(new Fib6(grace, options, std::move(*nodes)));
}

Fib6::Fib6(GracePeriods& grace, const Options& options, TrieNodes nodes)
    : kernel_(has_avx512() ? fib6_lookup_avx512 : fib6_lookup_scalar),
      kernel_name_(has_avx512() ? "avx512" : "scalar"),
      options_(options),
      nodes_(std::move(nodes)),
      lists_(grace, options.vrfs_max),
      roots_(std::make_unique<Fib6Entry[]>(options.vrfs_max + 1)),
      defaults_(std::make_unique<FibEntry[]>(options.vrfs_max + 1 + kCacheLine)),
      vrfs_(options.vrfs_max) {
    path_.reserve(Ipv6Address::kBits / 4);
    tables_ = {.lines = nodes_.data(),
               .roots = roots_.get(),
               .defaults = defaults_.get(),
               .lists = lists_.data(),
               .vrfs_max = static_cast<std::uint32_t>(options.vrfs_max)};
}

Status Fib6::open_vrf(VrfId vrf) {
    if (vrf.value() >= vrfs_.size()) {
        return Unexpected(ErrorCode::kInvalid,
                          "VRF numbers go up to " + std::to_string(vrfs_.size() - 1));
    }
    Vrf& state = vrfs_[vrf.value()];
    if (state.is_open) {
        return Unexpected(ErrorCode::kExists,
                          "there is a VRF number " + std::to_string(vrf.value()));
    }
    state = {.is_open = true};
    reset_growth(state);
    ++open_count_;
    return ok();
}

void Fib6::close_vrf(VrfId vrf) {
    Vrf& state = vrfs_[vrf.value()];
    DCHECK(state.is_open);
    set_default(vrf, kNoRouteGroup);
    lists_.withdraw(vrf);
    Fib6Entry* const entry = root(vrf).entry;
    const Fib6Entry before = *entry;
    store(entry, Fib6Entry{0});
    retire_all(state, before);
    reset_growth(state);
    state.is_open = false;
    --open_count_;
}

void Fib6::set_default(VrfId vrf, GroupId group) noexcept {
    store(&defaults_[vrf.value()], group.value());
}

Status Fib6::hold(VrfId vrf, Ipv6Prefix prefix) {
    Vrf& state = vrfs_[vrf.value()];
    DCHECK(state.is_open);
    if (prefix.length() == 0) return ok();
    Place place = find_end(vrf, prefix);
    if (!ends_at(place, prefix) && !nodes_.has_room(state.is_large ? kPathArrays : 0, 0)) {
        return Unexpected(ErrorCode::kFull, "the " + std::to_string(options_.bytes_max >> 10) +
                                                " KiB for IPv6 routes are in use");
    }
    while (!ends_at(place, prefix)) {
        is_skip(*place.entry) ? split_skip(state, place, prefix) : add_end(state, place, prefix);
        place = find_end(vrf, prefix);
    }
    ++nodes_.users(line_of(*place.entry));
    ++state.prefixes;
    if (state.lines > state.grow_lines) grow_large(vrf);
    if (state.is_large) merge_levels(vrf, prefix.address());
    return ok();
}

void Fib6::drop(VrfId vrf, Ipv6Prefix prefix) noexcept {
    if (prefix.length() == 0) return;
    const Place place = find_end(vrf, prefix);
    CHECK(ends_at(place, prefix));
    std::uint32_t& users = nodes_.users(line_of(*place.entry));
    CHECK(users != 0);
    --users;
    --vrfs_[vrf.value()].prefixes;
}

// The entry after the node in this one, on the way to the address.
Fib6::Place Fib6::below(Place place, Uint128 address) const noexcept {
    const Fib6Entry node = *place.entry;
    if (is_skip(node)) {
        auto* const skip = nodes_.at<Fib6Skip>(line_of(node));
        return {.entry = &skip->inside, .depth = place.depth + skip->length};
    }
    const unsigned stride = stride_of(node);
    return {.entry = nodes_.at<Fib6Entry>(line_of(node)) + bits_of(address, place.depth, stride),
            .depth = place.depth + stride,
            .array = line_of(node)};
}

// How many bits of the skip the address has.
unsigned Fib6::bits_shared(const Fib6Skip& skip, unsigned depth, Uint128 address) noexcept {
    const std::uint64_t others = (half_after(address, depth) ^ skip.expected) & skip.mask;
    return std::min(static_cast<unsigned>(std::countl_zero(others)), skip.length);
}

// Where the node that the prefix ends in is or would be; else as far as there is a way to it.
Fib6::Place Fib6::find_end(VrfId vrf, Ipv6Prefix prefix) const noexcept {
    const Uint128 address = prefix.address().value();
    const auto length = static_cast<unsigned>(prefix.length());
    Place place = root(vrf);
    while (is_node(*place.entry)) {
        if (is_skip(*place.entry)) {
            const auto& skip = *nodes_.at<Fib6Skip>(line_of(*place.entry));
            if (length <= place.depth + skip.length) break;
            if (bits_shared(skip, place.depth, address) != skip.length) break;
        } else if (length <= place.depth + stride_of(*place.entry)) {
            break;
        }
        place = below(place, address);
    }
    return place;
}

bool Fib6::ends_at(Place place, Ipv6Prefix prefix) noexcept {
    const Fib6Entry node = *place.entry;
    return is_node(node) && !is_skip(node) &&
           static_cast<unsigned>(prefix.length()) <= place.depth + stride_of(node);
}

Fib6Entry Fib6::make_array(Vrf& state, unsigned stride, unsigned depth, Fib6Entry content) {
    const auto code = static_cast<Fib6Entry>(std::countr_zero(stride / 4));
    const Fib6Entry node = name_of(0, depth) | code << kFib6StrideShift;
    const std::uint32_t line = nodes_.take(size_of(node));
    state.lines += TrieNodes::lines_of(size_of(node));
    std::fill_n(nodes_.at<Fib6Entry>(line), std::size_t{1} << stride, content);
    return node | line;
}

// Nodes from `depth` to `end`, through which this address comes to `inner`, and every other to
// `outside`. No reader knows them yet.
Fib6Entry Fib6::make_path(Vrf& state, unsigned depth, unsigned end, Uint128 address,
                          Fib6Entry inner, Fib6Entry outside) {
    if (depth == end) return inner;
    if (depth < kHalfBits && end > kHalfBits) {
        inner = make_path(state, kHalfBits, end, address, inner, outside);
        return make_path(state, depth, kHalfBits, address, inner, outside);
    }
    const unsigned length = end - depth;
    if (length == stride_in(state)) {
        const Fib6Entry array = make_array(state, length, depth, outside);
        nodes_.at<Fib6Entry>(line_of(array))[bits_of(address, depth, length)] = inner;
        nodes_.users(line_of(array)) = is_node(inner) ? 1 : 0;
        return array;
    }
    const std::uint32_t line = nodes_.take(NodeSize::kSmall);
    state.lines += TrieNodes::lines_of(NodeSize::kSmall);
    *nodes_.at<Fib6Skip>(line) = {.expected = half_after(address, depth) & mask_of(length),
                                  .mask = mask_of(length),
                                  .outside = outside,
                                  .inside = inner,
                                  .length = length,
                                  .shift = length % kHalfBits};
    return name_of(line, depth) | kFib6SkipBit;
}

// Puts an array where the prefix leaves the skip or ends in it. All answers stay as they are.
void Fib6::split_skip(Vrf& state, Place place, Ipv6Prefix prefix) {
    const Fib6Entry node = *place.entry;
    const Fib6Skip skip = *nodes_.at<Fib6Skip>(line_of(node));
    const Uint128 inside = address_inside(skip, place.depth);
    const unsigned stride = stride_in(state);
    const unsigned ways_part = std::min(bits_shared(skip, place.depth, prefix.address().value()),
                                        static_cast<unsigned>(prefix.length()) - 1 - place.depth);
    const unsigned depth = place.depth + ways_part / stride * stride;
    const Fib6Entry array = make_array(state, stride, depth, skip.outside);
    nodes_.at<Fib6Entry>(line_of(array))[bits_of(inside, depth, stride)] = make_path(
        state, depth + stride, place.depth + skip.length, inside, skip.inside, skip.outside);
    nodes_.users(line_of(array)) = 1;
    store(place.entry, make_path(state, place.depth, depth, inside, array, skip.outside));
    retire(state, node);
}

// Puts the array that the prefix ends in, and a path to it, where there is only a group.
void Fib6::add_end(Vrf& state, Place place, Ipv6Prefix prefix) {
    const Fib6Entry group = *place.entry;
    const unsigned stride = stride_in(state);
    const unsigned end = (static_cast<unsigned>(prefix.length()) - 1) / stride * stride;
    const Fib6Entry array = make_array(state, stride, end, group);
    store(place.entry, make_path(state, place.depth, end, prefix.address().value(), array, group));
    if (place.array != 0) ++nodes_.users(place.array);
}

void Fib6::retire(Vrf& state, Fib6Entry node) {
    state.lines -= TrieNodes::lines_of(size_of(node));
    nodes_.retire(line_of(node), size_of(node));
}

void Fib6::retire_all(Vrf& state, Fib6Entry entry) {
    if (!is_node(entry)) return;
    if (is_skip(entry)) {
        retire_all(state, nodes_.at<Fib6Skip>(line_of(entry))->inside);
    } else {
        const auto* const entries = nodes_.at<Fib6Entry>(line_of(entry));
        for (std::size_t i = 0; i < std::size_t{1} << stride_of(entry); ++i) {
            retire_all(state, entries[i]);
        }
    }
    retire(state, entry);
}

void Fib6::collapse(VrfId vrf, Ipv6Prefix prefix) {
    collapse_path(vrf, prefix);
    if (!lists_.has(vrf)) make_list(vrf);  // so few may be left now
}

void Fib6::collapse_path(VrfId vrf, Ipv6Prefix prefix) {
    Vrf& state = vrfs_[vrf.value()];
    path_.clear();
    for (Place place = root(vrf); is_node(*place.entry);
         place = below(place, prefix.address().value())) {
        path_.push_back(place);
    }
    for (; !path_.empty(); path_.pop_back()) {
        const Place place = path_.back();
        const Fib6Entry node = *place.entry;
        if (is_skip(node)) {
            const auto& skip = *nodes_.at<Fib6Skip>(line_of(node));
            if (is_node(skip.inside)) return;
            DCHECK(skip.inside == skip.outside);
            store(place.entry, skip.outside);
        } else {
            if (nodes_.users(line_of(node)) != 0) return;
            const auto* const entries = nodes_.at<Fib6Entry>(line_of(node));
            DCHECK(std::all_of(entries, entries + (std::size_t{1} << stride_of(node)),
                               [&](Fib6Entry e) { return e == entries[0]; }));
            store(place.entry, entries[0]);
        }
        retire(state, node);
        if (place.array != 0) --nodes_.users(place.array);
    }
    reset_growth(state);  // there is nothing left
}

void Fib6::fill(VrfId vrf, Ipv6Address first, Ipv6Address last, GroupId group) noexcept {
    DCHECK(first <= last);
    fill_entry(root(vrf), {.first = first.value(), .last = last.value()}, group.value());
    make_list(vrf);
}

// The range is within the entry's.
void Fib6::fill_entry(Place place, Range range, Fib6Entry group) noexcept {
    const Fib6Entry node = *place.entry;
    if (!is_node(node)) {
        DCHECK(place.depth == 0 ||
               (range.first << place.depth == 0 && ~range.last << place.depth == 0));
        store(place.entry, group);
    } else if (is_skip(node)) {
        fill_skip(place, range, group);
    } else {
        const unsigned stride = stride_of(node);
        const unsigned shift = Ipv6Address::kBits - place.depth - stride;
        const Uint128 before = range.first >> shift >> stride << stride;
        const std::uint32_t first = bits_of(range.first, place.depth, stride);
        const std::uint32_t last = bits_of(range.last, place.depth, stride);
        auto* const entries = nodes_.at<Fib6Entry>(line_of(node));
        for (std::uint32_t i = first; i <= last; ++i) {
            if (!is_node(entries[i])) {
                store(entries + i, group);
                continue;
            }
            const Uint128 start = (before | i) << shift;
            const Uint128 end = start | ((Uint128{1} << shift) - 1);
            fill_entry({.entry = entries + i, .depth = place.depth + stride},
                       {std::max(start, range.first), std::min(end, range.last)}, group);
        }
    }
}

// What is outside has one answer, so a range with some of it has all of it.
void Fib6::fill_skip(Place place, Range range, Fib6Entry group) noexcept {
    auto& skip = *nodes_.at<Fib6Skip>(line_of(*place.entry));
    const unsigned end = place.depth + skip.length;
    const Uint128 above =
        place.depth == 0 ? 0 : range.first & Ipv6Prefix::mask_of(static_cast<int>(place.depth));
    const Uint128 start = above | address_inside(skip, place.depth);
    const Uint128 stop = start | ~Ipv6Prefix::mask_of(static_cast<int>(end));
    if (range.first < start || range.last > stop) store(&skip.outside, group);
    if (range.last < start || range.first > stop) return;
    fill_entry({.entry = &skip.inside, .depth = end},
               {std::max(start, range.first), std::min(stop, range.last)}, group);
}

// For a VRF of few prefixes, and not more nodes than these take, so that it is quickly done.
void Fib6::make_list(VrfId vrf) noexcept {
    const Vrf& state = vrfs_[vrf.value()];
    if (state.is_large || state.prefixes > IntervalLists::kPrefixesMax ||
        state.lines > IntervalLists::kPrefixesMax * TrieNodes::kPathNodes) {
        return lists_.withdraw(vrf);
    }
    lists_.begin();
    append_intervals(*root(vrf).entry, 0, 0);
    lists_.publish(vrf);
}

// Those of the entry, whose first address this is.
void Fib6::append_intervals(Fib6Entry entry, unsigned depth, Uint128 first) noexcept {
    if (!is_node(entry)) return lists_.append(first, entry);
    if (!is_skip(entry)) {
        const unsigned below = depth + stride_of(entry);
        for (Uint128 i = 0; i < Uint128{1} << stride_of(entry); ++i) {
            append_intervals(nodes_.at<Fib6Entry>(line_of(entry))[static_cast<std::size_t>(i)],
                             below, first | i << (Ipv6Address::kBits - below));
        }
        return;
    }
    const auto& skip = *nodes_.at<Fib6Skip>(line_of(entry));
    const unsigned below = depth + skip.length;
    const Uint128 inside = first | address_inside(skip, depth);
    const Uint128 last_inside = inside | ~Ipv6Prefix::mask_of(static_cast<int>(below));
    if (inside != first) lists_.append(first, skip.outside);
    append_intervals(skip.inside, below, inside);
    if (last_inside != (first | ~Ipv6Prefix::mask_of(static_cast<int>(depth)))) {
        lists_.append(last_inside + 1, skip.outside);
    }
}

Fib6::Usage Fib6::usage() const noexcept {
    return {.vrfs = open_count_,
            .vrfs_large = large_count_,
            .node_bytes = nodes_.lines_used() * kFib6LineBytes,
            .nodes_retired = nodes_.retired()};
}

}  // namespace causeway
