// SPDX-License-Identifier: Apache-2.0
//
// AclLogWriter: from the packets that logging rules have sampled to lines of the daemon's log, and
// no more lines than anybody reads.
//
// Thread safety: control thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "control/policy/policy_tables.h"
#include "control/router/attachments.h"
#include "control/slow_path/token_bucket.h"
#include "dataplane/acl_log.h"
#include "dataplane/worker.h"

namespace causeway {

class AclLogWriter {
  public:
    static constexpr TokenRate kLines{.per_second = 50, .burst = 200};

    // Takes what waits at the workers; to be called every twenty milliseconds or so.
    void take(std::span<const std::unique_ptr<Worker>> workers, const PolicyTables& policy,
              const Attachments& attachments, std::uint64_t now_ns);

    // Sampled packets of which there is no line: beyond the rate, or lost on the way.
    [[nodiscard]] std::uint64_t unwritten() const noexcept { return unwritten_; }

  private:
    TokenBucket bucket_;
    std::uint64_t unwritten_ = 0;
};

// "in contoso/microsoft/primary: tcp 10.1.0.7:5000 -> 198.18.7.9:25 syn, 60 bytes". The packet is
// what the record has of it.
[[nodiscard]] std::string describe(const AclLogRecord& record, std::string_view attachment);

}  // namespace causeway
