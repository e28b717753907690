// SPDX-License-Identifier: Apache-2.0
//
// Any line a caller may send, as an admin would: its answer is JSON, or none, and a batch's calls
// are executed, too.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "control/api/json_rpc.h"
#include "control/api/methods.h"
#include "tests/control/fake_router.h"

namespace {

using causeway::JsonRpc;

void check_answer(const std::string& answer) {
    if (answer.empty()) return;
    const auto json = causeway::Json::parse(answer, nullptr, false);
    CHECK(json.is_object() && json.contains("result") != json.contains("error"));
    CHECK(answer.find('\n') == std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t count) {
    causeway::FakeRouter router;
    JsonRpc rpc(router, causeway::methods());
    std::string line(reinterpret_cast<const char*>(bytes), count);
    line.resize(count + JsonRpc::kPaddingBytes);
    const auto handled =
        rpc.handle(std::string_view(line).substr(0, count), causeway::Role::kAdmin);
    CHECK(handled.answer.empty() || handled.batch.empty());
    check_answer(handled.answer);
    for (const std::string& call : handled.batch) {
        check_answer(rpc.handle_call(call, causeway::Role::kAdmin));
    }
    return 0;
}
