// SPDX-License-Identifier: Apache-2.0
//
// NameCompiler: makes sets of names ready to be asked, on a thread of its own: ten thousand
// patterns take Hyperscan seconds.
//
// Thread safety: control thread only. The compiler's own thread touches nothing but the sets that
// it was given, what it makes of them, and the cache.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "acl/names/name_matcher.h"
#include "acl/names/name_set.h"
#include "base/result.h"
#include "control/names/pattern_cache.h"

namespace causeway {

// The k-th set is that of bit k; a bit that no set has is one without a name.
using NameSets = std::vector<NameSet>;

struct CompiledNames {
    std::shared_ptr<const NameSets> sets;
    std::unique_ptr<const NameMatcher> matcher;  // null: see error
    std::optional<Error> error;
    std::optional<Error> not_kept;  // why they will be compiled again after a restart
    double seconds = 0;             // that it took
    bool was_kept = false;          // the patterns were, from a time before
};

class NameCompiler {
  public:
    explicit NameCompiler(std::string state_directory);
    ~NameCompiler();  // waits for the sets in hand
    NameCompiler(const NameCompiler&) = delete;
    NameCompiler& operator=(const NameCompiler&) = delete;

    // What was submitted before and has not been begun is forgotten.
    void submit(std::shared_ptr<const NameSets> sets);
    // The last that is done since the last call; or null.
    [[nodiscard]] std::shared_ptr<const CompiledNames> take();
    void wait();  // until all is done

  private:
    void run();
    [[nodiscard]] std::shared_ptr<const CompiledNames> compile(
        std::shared_ptr<const NameSets> sets) const;

    const PatternCache cache_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::shared_ptr<const NameSets> waiting_;
    std::shared_ptr<const CompiledNames> done_;
    bool is_compiling_ = false;
    bool is_stopped_ = false;
    std::thread thread_;  // last: it uses all of the above
};

}  // namespace causeway
