// SPDX-License-Identifier: Apache-2.0
//
// PatternCache: the compiled patterns of names in a file, so that a restart does not compile them
// again. The file has the patterns themselves before the compiled form: only for these it is good.
//
// Thread safety: one thread at a time. The directory must be root's, as the daemon's state is:
// Hyperscan believes what it reads back.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "acl/names/pattern_database.h"
#include "base/result.h"

namespace causeway {

class PatternCache {
  public:
    // Of no directory: keeps nothing, and has nothing.
    explicit PatternCache(std::string directory) : directory_(std::move(directory)) {}

    // Null where there are none, or they are of other patterns, another Hyperscan, another machine.
    [[nodiscard]] std::unique_ptr<const PatternDatabase> load(
        std::span<const ScanPattern> patterns) const;
    // In place of what was there, whole or not at all.
    [[nodiscard]] Status store(std::span<const ScanPattern> patterns,
                               const PatternDatabase& database) const;

  private:
    std::string directory_;
};

}  // namespace causeway
