// SPDX-License-Identifier: Apache-2.0
#include "base/result.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "base/check.h"

namespace causeway {
namespace {

Result<int> half_of(int value) {
    if (value % 2 != 0) return Unexpected(ErrorCode::kInvalid, "it is odd", "value");
    return value / 2;
}

TEST(Result, HoldsAValue) {
    const Result<int> result = half_of(8);
    ASSERT_TRUE(result);
    EXPECT_TRUE(result.has_value());
    EXPECT_EQ(*result, 4);
    EXPECT_EQ(result.value(), 4);
}

TEST(Result, HoldsAnErrorWithItsField) {
    const Result<int> result = half_of(7);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::kInvalid);
    EXPECT_EQ(result.error().message, "it is odd");
    EXPECT_EQ(result.error().field, "value");
}

TEST(Result, CarriesAnErrorToAnotherType) {
    const auto describe = [](int value) -> Result<std::string> {
        const Result<int> half = half_of(value);
        if (!half) return Unexpected(half.error());
        return std::to_string(*half);
    };
    EXPECT_EQ(*describe(8), "4");
    EXPECT_EQ(describe(7).error().field, "value");
}

TEST(Result, MovesWhatCannotBeCopied) {
    Result<std::unique_ptr<int>> result = std::make_unique<int>(5);
    ASSERT_TRUE(result);
    const std::unique_ptr<int> taken = std::move(result).value();
    EXPECT_EQ(*taken, 5);
}

TEST(Result, OfAnErrorAndOfAnErrorsTextDiffer) {
    const Result<Error> value = Error{ErrorCode::kFull, "a value that is an error", {}};
    EXPECT_TRUE(value.has_value());
}

TEST(Status, IsOkOrNot) {
    EXPECT_TRUE(ok());
    const Status status = Unexpected(ErrorCode::kDenied, "read-only");
    EXPECT_FALSE(status);
    EXPECT_EQ(status.error().code, ErrorCode::kDenied);
}

TEST(ResultDeathTest, TheValueOfAnErrorCrashes) {
    EXPECT_DEATH((void)half_of(7).value(), "CHECK failed: has_value\\(\\)");
    EXPECT_DEATH((void)half_of(8).error(), "CHECK failed: !has_value\\(\\)");
}

TEST(CheckDeathTest, SaysWhereAndWhat) {
    CHECK(1 + 1 == 2);
    EXPECT_DEATH(CHECK(1 + 1 == 3), "result_test\\.cc:[0-9]+: CHECK failed: 1 \\+ 1 == 3");
}

}  // namespace
}  // namespace causeway
