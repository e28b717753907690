// SPDX-License-Identifier: Apache-2.0
//
// RuleRows: which row of the workers' counters each rule has. A rule is known by its list's name
// and its own, and keeps its row over every change of the rest, so its count goes on.
//
// Thread safety: control thread only.
//
// A row is leased to a compiled list. When the last list that counts on it is gone, and with it the
// last worker that could, it may be leased to another rule, which begins at what the row says then.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "acl/rule.h"
#include "base/limits.h"
#include "base/result.h"
#include "base/types.h"

namespace causeway {

struct RuleTotals {
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;  // of layer 3
    friend bool operator==(const RuleTotals&, const RuleTotals&) = default;
};

class RuleRows {
  public:
    // The sum of a row over all workers.
    using Read = std::function<RuleTotals(RuleCounterId)>;
    explicit RuleRows(Read read) : read_(std::move(read)) {}

    // The rows of one list: those of its rules in order, then that of `otherwise`.
    class Lease {
      public:
        ~Lease() { owner_.end(*this); }
        Lease(const Lease&) = delete;
        Lease& operator=(const Lease&) = delete;
        [[nodiscard]] std::span<const RuleCounterId> rows() const noexcept { return rows_; }

      private:
        friend class RuleRows;
        Lease(RuleRows& owner, std::string list) : owner_(owner), list_(std::move(list)) {}
        RuleRows& owner_;
        std::string list_;
        std::vector<std::string> rules_;  // by row
        std::vector<RuleCounterId> rows_;
    };
    // kFull where rows run out. The lease must end before this does.
    [[nodiscard]] Result<std::shared_ptr<const Lease>> lease(const Acl& acl);

    // What a rule has counted since it has its name; of `otherwise`, the rule without a name.
    [[nodiscard]] RuleTotals counted(std::string_view list, std::string_view rule) const;

    // The same of all rules of a list together.
    [[nodiscard]] RuleTotals counted(std::string_view list) const;

    struct Name {
        std::string_view list;
        std::string_view rule;
    };
    // Whose row it is; nobody's: it has been given back.
    [[nodiscard]] std::optional<Name> name_of(RuleCounterId row) const;

    [[nodiscard]] std::size_t used() const noexcept { return used_; }

  private:
    struct Row {
        RuleCounterId id;
        std::uint32_t leases = 0;
        RuleTotals baseline;
    };
    using Rules = std::map<std::string, Row, std::less<>>;

    void end(const Lease& lease);
    [[nodiscard]] RuleTotals counted(const Row& row) const;

    Read read_;
    std::map<std::string, Rules, std::less<>> lists_;
    std::vector<Name> names_{Name{}};  // by row; row 0 is no rule's
    std::vector<RuleCounterId> free_;
    std::size_t used_ = 0;
};

}  // namespace causeway
