// SPDX-License-Identifier: Apache-2.0
//
// AclCompiler: builds access lists on a thread of its own, so that ten thousand rules hold up
// neither a worker nor the control thread.
//
// Thread safety: control thread only. The compiler's own thread touches nothing but the lists that
// it was given and those it builds.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "acl/overlap.h"
#include "acl/rule.h"
#include "base/result.h"
#include "control/policy/rule_rows.h"
#include "dataplane/acl_list.h"

namespace causeway {

// A list as its author wrote it, with the sets of its time.
struct AclSource {
    Acl acl;
    std::shared_ptr<const AclSets> sets;
};

// The same, built, with what its rules count on.
struct CompiledAcl {
    std::shared_ptr<const AclSource> source;
    std::shared_ptr<const RuleRows::Lease> rows;
    std::unique_ptr<const AclList> list;  // null: see error
    std::optional<Error> error;
    double seconds = 0;  // that it took
};

// What its author should hear of a list that was built; it comes later, and takes longer.
struct AclReview {
    std::shared_ptr<const AclSource> source;
    std::vector<AclFinding> findings;
};

class AclCompiler {
  public:
    AclCompiler();
    ~AclCompiler();  // waits for the list in hand, at most
    AclCompiler(const AclCompiler&) = delete;
    AclCompiler& operator=(const AclCompiler&) = delete;

    // One of the same name that has not been begun is forgotten.
    void submit(std::shared_ptr<const AclSource> source,
                std::shared_ptr<const RuleRows::Lease> rows);
    // What is done since the last call.
    [[nodiscard]] std::vector<std::unique_ptr<const CompiledAcl>> take();
    [[nodiscard]] std::vector<AclReview> take_reviews();
    // Until all lists are built.
    void wait();

  private:
    void run();
    void build_next(std::unique_lock<std::mutex>& lock);
    void review_next(std::unique_lock<std::mutex>& lock);

    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::unique_ptr<CompiledAcl>> waiting_;
    std::vector<std::unique_ptr<const CompiledAcl>> done_;
    std::deque<std::shared_ptr<const AclSource>> unreviewed_;
    std::vector<AclReview> reviews_;
    bool is_building_ = false;
    bool is_stopped_ = false;
    std::thread thread_;  // last: it uses all of the above
};

}  // namespace causeway
