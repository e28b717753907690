// SPDX-License-Identifier: Apache-2.0
//
// PatternDatabase: many regular expressions, asked all at once. Over Hyperscan, in block mode.
//
// Thread safety: immutable once built; any number of readers, each with a PatternScratch of its
// own. Building takes seconds for ten thousand expressions: it belongs on a thread that may be
// away for so long. The serialised form is read back in milliseconds, by the same release of
// Hyperscan on a machine with the same instructions; any other refuses it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/result.h"

struct hs_database;
struct hs_scratch;

namespace causeway {

// What one scan at a time needs besides the database.
class PatternScratch {
  public:
    PatternScratch() = default;

  private:
    friend class PatternDatabase;
    struct Free {
        void operator()(hs_scratch* scratch) const noexcept;
    };
    std::unique_ptr<hs_scratch, Free> scratch_;
};

// An expression, and how much of it is asked: whether it matches at all, or, which is cheaper for a
// plain text, to be told of every place where it does.
struct ScanPattern {
    enum class Reports : std::uint8_t { kFirst, kEvery };
    std::string expression;
    Reports reports = Reports::kFirst;
    friend bool operator==(const ScanPattern&, const ScanPattern&) = default;
};

class PatternDatabase {
  public:
    // Whether Hyperscan can have this expression; else why not. "." is any byte.
    [[nodiscard]] static Status check(const std::string& expression);

    // Of at least one pattern, each of which check() has passed; they are known by their places.
    [[nodiscard]] static Result<std::unique_ptr<const PatternDatabase>> compile(
        std::span<const ScanPattern> patterns);
    [[nodiscard]] static Result<std::unique_ptr<const PatternDatabase>> deserialize(
        std::span<const char> bytes);
    [[nodiscard]] Result<std::vector<char>> serialize() const;

    [[nodiscard]] Result<PatternScratch> make_scratch() const;
    [[nodiscard]] std::size_t bytes() const noexcept;

    // Calls visit(place) for each pattern that matches within the text, as it reports.
    template <class Visit>
    void scan(std::string_view text, PatternScratch& scratch, Visit&& visit) const noexcept {
        scan(
            text, scratch,
            [](unsigned place, void* context) noexcept {
                (*static_cast<std::remove_reference_t<Visit>*>(context))(place);
            },
            &visit);
    }

  private:
    struct Free {
        void operator()(hs_database* database) const noexcept;
    };
    using Visitor = void (*)(unsigned place, void* context) noexcept;

    explicit PatternDatabase(hs_database* database) noexcept : database_(database) {}
    void scan(std::string_view text, PatternScratch& scratch, Visitor visitor,
              void* context) const noexcept;

    std::unique_ptr<hs_database, Free> database_;
};

}  // namespace causeway
