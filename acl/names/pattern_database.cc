// SPDX-License-Identifier: Apache-2.0
#include "acl/names/pattern_database.h"

#include <hs.h>

#include <cstdlib>
#include <utility>

#include "base/check.h"

namespace causeway {
namespace {

constexpr unsigned kFlags = HS_FLAG_DOTALL | HS_FLAG_SINGLEMATCH;

struct FreeCompileError {
    void operator()(hs_compile_error_t* error) const noexcept { hs_free_compile_error(error); }
};
using CompileError = std::unique_ptr<hs_compile_error_t, FreeCompileError>;

Unexpected out_of_memory() {
    return Unexpected(ErrorCode::kUnavailable, "no memory for the patterns of names");
}

}  // namespace

void PatternScratch::Free::operator()(hs_scratch* scratch) const noexcept {
    hs_free_scratch(scratch);
}

void PatternDatabase::Free::operator()(hs_database* database) const noexcept {
    hs_free_database(database);
}

Status PatternDatabase::check(const std::string& expression) {
    const auto refused = [](const hs_compile_error_t& error) {
        return Unexpected(ErrorCode::kInvalid, error.message);
    };
    hs_expr_info_t* info = nullptr;
    hs_compile_error_t* error = nullptr;
    if (hs_expression_info(expression.c_str(), kFlags, &info, &error) != HS_SUCCESS) {
        return refused(*CompileError(error));
    }
    std::free(info);  // by the allocator that nobody has replaced
    // The compiler refuses more than the parser does: what matches nothing at all, or is too large.
    hs_database_t* database = nullptr;
    if (hs_compile(expression.c_str(), kFlags, HS_MODE_BLOCK, nullptr, &database, &error) !=
        HS_SUCCESS) {
        return refused(*CompileError(error));
    }
    hs_free_database(database);
    return ok();
}

Result<std::unique_ptr<const PatternDatabase>> PatternDatabase::compile(
    std::span<const ScanPattern> patterns) {
    CHECK(!patterns.empty());
    std::vector<const char*> texts;
    std::vector<unsigned> places;
    std::vector<unsigned> flags;
    for (const ScanPattern& pattern : patterns) {
        places.push_back(static_cast<unsigned>(texts.size()));
        texts.push_back(pattern.expression.c_str());
        flags.push_back(pattern.reports == ScanPattern::Reports::kFirst ? kFlags : HS_FLAG_DOTALL);
    }
    hs_database_t* database = nullptr;
    hs_compile_error_t* error = nullptr;
    if (hs_compile_multi(texts.data(), flags.data(), places.data(),
                         static_cast<unsigned>(texts.size()), HS_MODE_BLOCK, nullptr, &database,
                         &error) != HS_SUCCESS) {
        const CompileError fault(error);
        std::string message = fault->message;
        if (fault->expression >= 0) {
            message = texts[static_cast<std::size_t>(fault->expression)] + (": " + message);
        }
        return Unexpected(ErrorCode::kInvalid, std::move(message));
    }
    return std::unique_ptr<const PatternDatabase>(new PatternDatabase(database));
}

Result<std::unique_ptr<const PatternDatabase>> PatternDatabase::deserialize(
    std::span<const char> bytes) {
    hs_database_t* database = nullptr;
    if (hs_deserialize_database(bytes.data(), bytes.size(), &database) != HS_SUCCESS) {
        return Unexpected(ErrorCode::kInvalid, "these patterns were compiled for another machine");
    }
    return std::unique_ptr<const PatternDatabase>(new PatternDatabase(database));
}

Result<std::vector<char>> PatternDatabase::serialize() const {
    char* bytes = nullptr;
    std::size_t size = 0;
    if (hs_serialize_database(database_.get(), &bytes, &size) != HS_SUCCESS) {
        return out_of_memory();
    }
    std::vector<char> serialized(bytes, bytes + size);
    std::free(bytes);
    return serialized;
}

Result<PatternScratch> PatternDatabase::make_scratch() const {
    hs_scratch_t* scratch = nullptr;
    if (hs_alloc_scratch(database_.get(), &scratch) != HS_SUCCESS) return out_of_memory();
    PatternScratch made;
    made.scratch_.reset(scratch);
    return made;
}

std::size_t PatternDatabase::bytes() const noexcept {
    std::size_t size = 0;
    (void)hs_database_size(database_.get(), &size);
    return size;
}

void PatternDatabase::scan(std::string_view text, PatternScratch& scratch, Visitor visitor,
                           void* context) const noexcept {
    struct Call {
        Visitor visitor;
        void* context;
    } call{visitor, context};
    const hs_error_t scanned = hs_scan(
        database_.get(), text.data(), static_cast<unsigned>(text.size()), 0, scratch.scratch_.get(),
        [](unsigned place, unsigned long long, unsigned long long, unsigned, void* all) {
            const Call& to = *static_cast<const Call*>(all);
            to.visitor(place, to.context);
            return 0;
        },
        &call);
    DCHECK(scanned == HS_SUCCESS);
    (void)scanned;
}

}  // namespace causeway
