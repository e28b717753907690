// SPDX-License-Identifier: Apache-2.0
#include "dataplane/name_policy.h"

#include <utility>

#include "base/check.h"

namespace causeway {
namespace {

std::unique_ptr<FlowInspector> make_inspector() {
    auto inspector = FlowInspector::create();
    CHECK(inspector.has_value());  // it wants AES of libcrypto, and no more
    return std::move(inspector).value();
}

}  // namespace

NameWorker::NameWorker(WorkerId worker, std::uint64_t seed)
    : id(worker), flows(kFlowsMax, seed), labels(kLabelsMax, seed), inspector(make_inspector()) {}

}  // namespace causeway
