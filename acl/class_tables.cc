// SPDX-License-Identifier: Apache-2.0
#include "acl/class_tables.h"

#include <algorithm>
#include <array>
#include <bit>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/check.h"
#include "base/cpu.h"

namespace causeway {
namespace {

using Entries = std::vector<std::uint64_t>;  // a bit each

struct EntriesHash {
    std::size_t operator()(const Entries& entries) const noexcept {
        std::uint64_t hash = 0;
        for (const std::uint64_t word : entries) {
            hash = (hash ^ word) * 0x9e37'79b9'7f4a'7c15;
            hash ^= hash >> 32;
        }
        return hash;
    }
};

// The classes of a node: of each, which entries want it.
class Classes {
  public:
    Classes() = default;
    Classes(Classes&&) = default;
    Classes& operator=(Classes&&) = default;
    // A new class if there is none of just these.
    std::uint32_t number_of(const Entries& entries) {
        const auto next = static_cast<std::uint32_t>(all_.size());
        const auto [at, is_new] = numbers_.try_emplace(entries, next);
        if (is_new) all_.push_back(&at->first);
        return at->second;
    }
    [[nodiscard]] std::size_t size() const noexcept { return all_.size(); }
    [[nodiscard]] const Entries& operator[](std::size_t number) const noexcept {
        return *all_[number];
    }

  private:
    std::unordered_map<Entries, std::uint32_t, EntriesHash> numbers_;
    std::vector<const Entries*> all_;  // keys of the map, which stay where they are
};

constexpr std::size_t kClassesMax = std::numeric_limits<ClassElement>::max();

// Of those that want both; 0: none does.
ClassElement first_result(const Entries& left, const Entries& right,
                          std::span<const std::uint16_t> results) noexcept {
    for (std::size_t word = 0; word < left.size(); ++word) {
        const std::uint64_t both = left[word] & right[word];
        if (both != 0) return results[word * 64 + static_cast<std::size_t>(std::countr_zero(both))];
    }
    return 0;
}

class Builder {
  public:
    explicit Builder(std::span<const std::uint16_t> results)
        : results_(results), words_((results.size() + 63) / 64) {}

    // False where the tables would be too large or too many.
    [[nodiscard]] bool add(std::span<const ClassTables::Field> wanted) {
        for (const ClassTables::Field& field : wanted) add_field(field);
        if (loads() > ClassTables::kLoadsMax) return false;
        if (nodes_.size() == 1) finish_with_one();
        for (std::size_t i = 0; i < nodes_.size(); ++i) place(nodes_[i]);
        while (live_.size() > 1) {
            if (!join_smallest()) return false;
        }
        return !live_.empty();
    }

    std::vector<ClassField> fields;
    std::vector<ClassPair> pairs;
    std::vector<ClassElement> elements;

  private:
    struct FieldNode {
        const ClassTables::Field* field;
        std::vector<ClassElement> by_value;
    };
    struct Live {
        std::uint8_t node;
        Classes classes;
    };

    void add_field(const ClassTables::Field& field) {
        const bool has_two = field.width == ClassTables::Field::Width::kTwoBytes;
        const std::size_t values = has_two ? kClassBlock * kClassBlock : kClassBlock;
        // Where what is wanted may change. Where bits under a mask are, that may be anywhere.
        std::vector<bool> begins(values);
        std::uint32_t mask = 0;
        bool has_ranges = false;
        for (const ValueSet& set : field.wanted) {
            if (set.first < values) begins[set.first] = true;
            if (std::size_t{set.last} + 1 < values) begins[std::size_t{set.last} + 1] = true;
            has_ranges = has_ranges || set.first != 0 || std::size_t{set.last} + 1 < values;
            mask |= set.mask;
        }
        Classes classes;
        std::vector<ClassElement> by_value(values);
        for (std::size_t value = 0; value < values; ++value) {
            if (mask == 0 && value != 0 && !begins[value]) {
                by_value[value] = by_value[value - 1];
            } else if (!has_ranges && (value & mask) != value) {
                by_value[value] = by_value[value & mask];
            } else {
                by_value[value] =
                    static_cast<ClassElement>(classes.number_of(who_want(field.wanted, value)));
            }
        }
        if (classes.size() == 1 && classes[0] == all_entries()) return;
        live_.push_back({static_cast<std::uint8_t>(nodes_.size()), std::move(classes)});
        nodes_.push_back({&field, std::move(by_value)});
    }

    [[nodiscard]] Entries who_want(const std::vector<ValueSet>& wanted, std::size_t value) const {
        Entries entries(words_);
        for (std::size_t i = 0; i < wanted.size(); ++i) {
            const std::uint64_t wants = wanted[i].contains(static_cast<std::uint32_t>(value));
            entries[i / 64] |= wants << i % 64;
        }
        return entries;
    }
    [[nodiscard]] Entries all_entries() const {
        Entries entries(words_);
        for (std::size_t i = 0; i < results_.size(); ++i) {
            entries[i / 64] |= std::uint64_t{1} << i % 64;
        }
        return entries;
    }

    // A field's one or two, and one for each pair.
    [[nodiscard]] std::size_t loads() const noexcept {
        std::size_t count = nodes_.empty() ? 0 : nodes_.size() - 1;
        for (const FieldNode& node : nodes_) {
            count += node.field->width == ClassTables::Field::Width::kTwoBytes ? 2 : 1;
        }
        return count;
    }

    // One field alone has results, not classes.
    void finish_with_one() {
        const Classes& classes = live_.front().classes;
        for (ClassElement& one : nodes_.front().by_value) {
            one = first_result(classes[one], classes[one], results_);
        }
    }

    // Blocks that are alike are one.
    void place(const FieldNode& node) {
        const bool has_two = node.field->width == ClassTables::Field::Width::kTwoBytes;
        const unsigned bytes = has_two ? 2 : 1;
        const unsigned at = node.field->byte % 4;
        CHECK(at + bytes <= 4);
        ClassField placed{.word = static_cast<std::uint8_t>(node.field->byte - at),
                          .shift = static_cast<std::uint8_t>(32 - 8 * (at + bytes)),
                          .has_two = has_two};
        std::map<std::vector<ClassElement>, ClassElement> known;
        std::vector<ClassElement> choices;
        std::vector<ClassElement> blocks;
        for (auto first = node.by_value.begin(); first != node.by_value.end();
             first += kClassBlock) {
            std::vector<ClassElement> block(first, first + kClassBlock);
            const auto next = static_cast<ClassElement>(known.size());
            const auto [found, is_new] = known.try_emplace(block, next);
            if (is_new) blocks.insert(blocks.end(), block.begin(), block.end());
            choices.push_back(found->second);
        }
        if (has_two) {
            placed.choices = static_cast<std::uint32_t>(elements.size());
            elements.insert(elements.end(), choices.begin(), choices.end());
        }
        placed.blocks = static_cast<std::uint32_t>(elements.size());
        elements.insert(elements.end(), blocks.begin(), blocks.end());
        fields.push_back(placed);
    }

    // Those two that make the smallest table.
    [[nodiscard]] bool join_smallest() {
        std::pair<std::size_t, std::size_t> best{0, 1};
        const auto size_of = [this](const std::pair<std::size_t, std::size_t>& two) {
            return live_[two.first].classes.size() * live_[two.second].classes.size();
        };
        for (std::size_t i = 0; i < live_.size(); ++i) {
            for (std::size_t j = i + 1; j < live_.size(); ++j) {
                if (size_of({i, j}) < size_of(best)) best = {i, j};
            }
        }
        const std::size_t size = size_of(best);
        if (size > ClassTables::kPairElementsMax ||
            elements.size() + size > ClassTables::kElementsMax) {
            return false;
        }
        std::optional<Live> joined = join(live_[best.first], live_[best.second]);
        if (!joined) return false;
        live_.erase(live_.begin() + static_cast<std::ptrdiff_t>(best.second));
        live_[best.first] = std::move(*joined);
        return true;
    }

    // The last two have results, not classes. Nothing where there are more classes than numbers.
    [[nodiscard]] std::optional<Live> join(const Live& left, const Live& right) {
        const bool is_last = live_.size() == 2;
        Live joined{static_cast<std::uint8_t>(nodes_.size() + pairs.size()), {}};
        pairs.push_back({.left = left.node,
                         .right = right.node,
                         .right_classes = static_cast<std::uint32_t>(right.classes.size()),
                         .classes = static_cast<std::uint32_t>(elements.size())});
        elements.reserve(elements.size() + left.classes.size() * right.classes.size());
        Entries both(words_);
        for (std::size_t i = 0; i < left.classes.size(); ++i) {
            if (joined.classes.size() > kClassesMax) return std::nullopt;
            for (std::size_t j = 0; j < right.classes.size(); ++j) {
                if (is_last) {
                    elements.push_back(first_result(left.classes[i], right.classes[j], results_));
                    continue;
                }
                std::ranges::transform(left.classes[i], right.classes[j], both.begin(),
                                       std::bit_and<>());
                elements.push_back(static_cast<ClassElement>(joined.classes.number_of(both)));
            }
        }
        if (joined.classes.size() > kClassesMax) return std::nullopt;
        return joined;
    }

    std::span<const std::uint16_t> results_;
    std::size_t words_;  // of Entries
    std::vector<FieldNode> nodes_;
    std::vector<Live> live_;  // what is to be joined
};

}  // namespace

std::unique_ptr<const ClassTables> ClassTables::build(std::span<const Field> fields,
                                                      std::span<const std::uint16_t> results) {
    if (results.empty() || results.size() > kEntriesMax) return nullptr;
    CHECK(2 * fields.size() <= kClassNodesMax);
    Builder builder(results);
    if (!builder.add(fields)) return nullptr;
    builder.elements.push_back(0);  // a load of 32 bits may end here
    const std::size_t bytes = builder.elements.size() * sizeof(ClassElement);
    auto memory =
        Mapping::allocate(bytes, bytes < kHugePageBytes ? PageSize::kSmall : PageSize::kHuge);
    if (!memory) return nullptr;
    std::ranges::copy(builder.elements, reinterpret_cast<ClassElement*>(memory->data()));
    return std::unique_ptr<const ClassTables>(new ClassTables(
        std::move(builder.fields), std::move(builder.pairs), std::move(memory).value(), bytes));
}

ClassTables::ClassTables(std::vector<ClassField> fields, std::vector<ClassPair> pairs,
                         Mapping elements, std::size_t bytes)
    : fields_(std::move(fields)),
      pairs_(std::move(pairs)),
      memory_(std::move(elements)),
      bytes_(bytes),
      program_{reinterpret_cast<const ClassElement*>(memory_.data()), fields_, pairs_},
      kernel_(has_avx512() ? class_lookup_avx512 : class_lookup_scalar) {}

}  // namespace causeway
