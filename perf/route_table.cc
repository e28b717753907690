// SPDX-License-Identifier: Apache-2.0
#include "perf/route_table.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <numeric>
#include <optional>
#include <random>
#include <unordered_map>

#include "base/check.h"
#include "base/text.h"

namespace causeway::perf {
namespace {

constexpr std::array<std::uint32_t, 33> kIpv4Lengths{
    0,      0,      0,      0,    0,    0,    0,    0,     8,     6,     31,
    95,     257,    493,    1120, 2455, 9332, 6735, 11825, 22075, 33264, 46064,
    149680, 160718, 491082, 1350, 1447, 1595, 141,  164,   53,    3,     7};
constexpr std::array<std::uint32_t, 129> kIpv6Lengths{
    0,    0,    0,     0,     0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,
    0,    1,    0,     0,     0,    10,   7,    15,   21,   52,   41,   69,   65,   175,  10410,
    974,  1523, 28341, 1808,  2173, 2580, 4860, 2673, 3330, 3739, 8021, 3762, 4368, 5099, 9835,
    5009, 6329, 9632,  41327, 386,  405,  417,  520,  492,  386,  362,  457,  384,  537,  683,
    800,  835,  869,   891,   1712, 91,   73,   63,   45,   35,   28,   23,   28,   24,   23,
    23,   23,   23,    23,    20,   25,   21,   21,   21,   23,   21,   22,   21,   20,   20,
    20,   21,   20,    20,    20,   20,   23,   21,   19,   20,   19,   18,   18,   18,   18,
    18,   18,   18,    18,    18,   18,   18,   18,   17,   18,   17,   18,   19,   20,   18,
    20,   18,   19,    18,    19,   20,   20,   21,   37};

constexpr double kCovered = 0.40;  // share of the routes that lie within another's prefix

// What the families differ in. A block is a part of the address space: a /8 or a /16.
template <class PrefixT>
struct Shape;

template <>
struct Shape<Ipv4Prefix> {
    static constexpr int kBlockLength = 8;
    static constexpr int kCoveredFrom = 22;  // lengths that do
    static constexpr double kRuns = 0.47;    // goes on where the last route ends; more do by chance
    static constexpr double kSameAsBefore = 0.60;  // next hop, of those

    // Unicast, and neither private nor loopback.
    static std::vector<Ipv4Prefix> blocks() {
        std::vector<Ipv4Prefix> blocks;
        for (std::uint32_t octet = 1; octet < 224; ++octet) {
            if (octet != 10 && octet != 127)
                blocks.push_back(Ipv4Prefix::of(Ipv4Address(octet << 24), kBlockLength));
        }
        return blocks;
    }
};

template <>
struct Shape<Ipv6Prefix> {
    static constexpr int kBlockLength = 16;
    static constexpr int kCoveredFrom = 33;
    static constexpr double kRuns = 0.57;
    static constexpr double kSameAsBefore = 0.95;

    // Of 2001::/16 and of the five /12 that the registries assign from (IANA, IPv6 Global Unicast
    // Address Assignments).
    static std::vector<Ipv6Prefix> blocks() {
        std::vector<Ipv6Prefix> blocks{block(0x2001)};
        for (const std::uint64_t registry : {0x2400U, 0x2600U, 0x2800U, 0x2a00U, 0x2c00U}) {
            for (std::uint64_t i = 0; i < 16; ++i) blocks.push_back(block(registry + i));
        }
        return blocks;
    }
    static Ipv6Prefix block(std::uint64_t first_group) {
        return Ipv6Prefix::of(Ipv6Address(first_group << 48, 0), kBlockLength);
    }
};

struct PrefixHash {
    template <class PrefixT>
    std::size_t operator()(const PrefixT& prefix) const noexcept {
        return std::hash<typename PrefixT::Address>{}(prefix.address()) ^
               static_cast<std::size_t>(prefix.length()) * 0x9e3779b97f4a7c15;
    }
};

// Places the shortest lengths first: what a length finds free or taken is then settled for it.
template <class PrefixT>
class TableMaker {
  public:
    explicit TableMaker(const TableChoice& choice) : choice_(choice), random_(choice.seed) {
        double sum = 0;
        // Exponential weights: a few blocks with five times the mean, many with a fraction.
        for (std::size_t i = 0; i < blocks_.size(); ++i)
            block_ends_.push_back(sum -= std::log(1 - share()));
        const auto lengths = measured_lengths<PrefixT>();
        const double coverable =
            std::accumulate(lengths.begin() + S::kCoveredFrom, lengths.end(), 0.0);
        covered_ = kCovered * std::accumulate(lengths.begin(), lengths.end(), 0.0) / coverable;
    }

    std::vector<RouteOf<PrefixT>> make() {
        for (int length = S::kBlockLength; length <= PrefixT::kLengthMax; ++length)
            place_all(length);
        return std::move(routes_);
    }

  private:
    using S = Shape<PrefixT>;
    using Route = RouteOf<PrefixT>;
    using Address = typename PrefixT::Address;
    using Number = typename PrefixT::Number;

    // A stretch of a block that no route holds: as many prefixes of the length being placed.
    struct Gap {
        Number first;
        Uint128 slots_before;  // of all gaps in front
    };

    double share() { return static_cast<double>(random_() >> 11) * 0x1p-53; }  // in [0, 1)
    bool happens(double probability) { return share() < probability; }
    unsigned any_hop() { return static_cast<unsigned>(random_() % choice_.next_hops); }
    Uint128 any_number() {
        const Uint128 high = random_();
        return high << 64 | random_();
    }

    // As many of all routes as these lengths together have of the measured ones, rounded.
    [[nodiscard]] std::size_t routes_up_to(int length) const {
        const auto lengths = measured_lengths<PrefixT>();
        const auto all = std::accumulate(lengths.begin(), lengths.end(), std::uint64_t{0});
        const auto these =
            std::accumulate(lengths.begin(), lengths.begin() + length + 1, std::uint64_t{0});
        return (choice_.routes * these + all / 2) / all;
    }

    void place_all(int length) {
        const std::size_t end = routes_up_to(length);
        if (routes_.size() == end) return;
        shorter_ = routes_.size();
        length_ = length;
        find_gaps();
        last_free_.reset();
        last_covered_.reset();
        while (routes_.size() < end) {
            const bool is_covered =
                slots_ == 0 || (length >= S::kCoveredFrom && shorter_ > 0 && happens(covered_));
            const Route route = is_covered ? place_covered() : place_free();
            if (hops_.emplace(route.prefix, route.next_hop).second) routes_.push_back(route);
        }
        lengths_.push_back(length);
        const auto middle = routes_.begin() + static_cast<std::ptrdiff_t>(shorter_);
        std::sort(middle, routes_.end());
        std::inplace_merge(routes_.begin(), middle, routes_.end());
    }

    // What the routes leave of each block. Both are in order.
    void find_gaps() {
        gaps_.clear();
        slots_ = 0;
        auto route = routes_.begin();
        for (const PrefixT& block : blocks_) {
            Number free = block.first().value();
            for (; route != routes_.end() && block.contains(route->prefix); ++route) {
                if (route->prefix.first().value() > free)
                    add_gap(free, route->prefix.first().value() - 1);
                free = std::max(free, static_cast<Number>(route->prefix.last().value() + 1));
            }
            if (free <= block.last().value()) add_gap(free, block.last().value());
        }
    }

    void add_gap(Number first, Number last) {
        gaps_.push_back({first, slots_});
        slots_ += ((last - first) >> (PrefixT::kLengthMax - length_)) + Uint128{1};
    }

    // Slots in front of the first gap at or behind the address.
    [[nodiscard]] Uint128 slots_before(Number address) const {
        const auto gap = std::ranges::lower_bound(gaps_, address, {}, &Gap::first);
        return gap == gaps_.end() ? slots_ : gap->slots_before;
    }

    [[nodiscard]] PrefixT slot(Uint128 index) const {
        const auto gap = std::prev(std::ranges::upper_bound(gaps_, index, {}, &Gap::slots_before));
        const auto offset = static_cast<Number>(index - gap->slots_before);
        return PrefixT::of(
            Address(static_cast<Number>(gap->first + (offset << (PrefixT::kLengthMax - length_)))),
            length_);
    }

    // Behind the route that was placed before, or anywhere in a block that is drawn by its weight.
    Route place_free() {
        if (last_free_ && happens(S::kRuns)) {
            const PrefixT next = behind(last_free_->prefix);
            if (is_in_a_block(next) && !cover_of(next)) {
                last_free_ =
                    Route{next, happens(S::kSameAsBefore) ? last_free_->next_hop : any_hop()};
                return *last_free_;
            }
        }
        const auto end = std::ranges::upper_bound(block_ends_, share() * block_ends_.back());
        const auto index = static_cast<std::size_t>(end - block_ends_.begin());
        const PrefixT& block = blocks_[std::min(index, blocks_.size() - 1)];
        const Uint128 first = slots_before(block.first().value());
        const Uint128 slots = slots_before(block.last().value()) - first;
        const Uint128 chosen = slots == 0 ? any_number() % slots_ : first + any_number() % slots;
        last_free_ = Route{slot(chosen), any_hop()};
        return *last_free_;
    }

    // Behind the route that was placed before, or anywhere in any shorter one.
    Route place_covered() {
        std::optional<PrefixT> prefix;
        if (last_covered_ && happens(S::kRuns)) prefix = behind(*last_covered_);
        if (!prefix || !cover_of(*prefix)) {
            const PrefixT& around = routes_[random_() % shorter_].prefix;
            const auto low = static_cast<Number>(any_number()) & ~around.mask();
            prefix = PrefixT::of(Address(around.address().value() | low), length_);
        }
        last_covered_ = prefix;
        return {*prefix, happens(0.5) ? hops_.at(*cover_of(*prefix)) : any_hop()};
    }

    [[nodiscard]] PrefixT behind(const PrefixT& prefix) const {
        return PrefixT::of(Address(static_cast<Number>(prefix.last().value() + 1)), length_);
    }

    // The longest of the shorter ones that hold the prefix.
    [[nodiscard]] std::optional<PrefixT> cover_of(const PrefixT& prefix) const {
        for (auto length = lengths_.rbegin(); length != lengths_.rend(); ++length) {
            const PrefixT cover = PrefixT::of(prefix.address(), *length);
            if (hops_.contains(cover)) return cover;
        }
        return std::nullopt;
    }

    [[nodiscard]] bool is_in_a_block(const PrefixT& prefix) const {
        return std::ranges::binary_search(blocks_, PrefixT::of(prefix.address(), S::kBlockLength));
    }

    TableChoice choice_;
    std::mt19937_64 random_;
    std::vector<PrefixT> blocks_ = S::blocks();  // in order
    std::vector<double> block_ends_;             // running sums of their weights
    double covered_ = 0;  // probability, of the lengths that are covered at all

    std::vector<Route> routes_;  // in order, but for those of the length being placed at the end
    std::unordered_map<PrefixT, unsigned, PrefixHash> hops_;  // of the same routes
    std::vector<int> lengths_;                                // that are placed

    int length_ = 0;           // being placed
    std::size_t shorter_ = 0;  // routes_ before it
    std::vector<Gap> gaps_;    // between them, in order
    Uint128 slots_ = 0;        // of all gaps
    std::optional<Route> last_free_;
    std::optional<PrefixT> last_covered_;
};

}  // namespace

template <>
std::span<const std::uint32_t> measured_lengths<Ipv4Prefix>() {
    return kIpv4Lengths;
}
template <>
std::span<const std::uint32_t> measured_lengths<Ipv6Prefix>() {
    return kIpv6Lengths;
}

template <class PrefixT>
std::vector<RouteOf<PrefixT>> generate_table(const TableChoice& choice) {
    return TableMaker<PrefixT>(choice).make();
}
template std::vector<RouteOf<Ipv4Prefix>> generate_table(const TableChoice& choice);
template std::vector<RouteOf<Ipv6Prefix>> generate_table(const TableChoice& choice);

template <class PrefixT>
std::vector<RouteOf<PrefixT>> read_table(const std::string& path) {
    std::vector<RouteOf<PrefixT>> routes;
    std::ifstream file(path);
    std::string text;
    unsigned next_hop = 0;
    while (file >> text >> next_hop) {
        const auto prefix = parse_ip_prefix(text);
        if (!prefix || !std::holds_alternative<PrefixT>(*prefix) || next_hop > 255) return {};
        routes.push_back({std::get<PrefixT>(*prefix), next_hop});
    }
    return routes;
}
template std::vector<RouteOf<Ipv4Prefix>> read_table(const std::string& path);
template std::vector<RouteOf<Ipv6Prefix>> read_table(const std::string& path);

}  // namespace causeway::perf
