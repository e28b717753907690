// SPDX-License-Identifier: Apache-2.0
#include "control/names/pattern_cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>
#include <vector>

namespace causeway {
namespace {

constexpr std::string_view kFileName = "/names.patterns";
constexpr std::string_view kMagic = "causeway names 1\n";

// Of no two lists of patterns the same.
std::string header_of(std::span<const ScanPattern> patterns) {
    std::string header(kMagic);
    for (const ScanPattern& pattern : patterns) {
        header += pattern.reports == ScanPattern::Reports::kFirst ? "first " : "every ";
        header += std::to_string(pattern.expression.size()) + ' ' + pattern.expression + '\n';
    }
    return header + '\n';
}

Unexpected failed(const std::string& path) {
    return {ErrorCode::kUnavailable, path + ": " + std::strerror(errno)};
}

bool write_all(int file, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t count = ::write(file, bytes.data(), bytes.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
}

}  // namespace

std::unique_ptr<const PatternDatabase> PatternCache::load(
    std::span<const ScanPattern> patterns) const {
    if (directory_.empty()) return nullptr;
    std::ifstream file(directory_ + std::string(kFileName), std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
    const std::string header = header_of(patterns);
    if (!std::string_view(bytes.data(), bytes.size()).starts_with(header)) return nullptr;
    auto database = PatternDatabase::deserialize(std::span(bytes).subspan(header.size()));
    return database ? std::move(database).value() : nullptr;
}

Status PatternCache::store(std::span<const ScanPattern> patterns,
                           const PatternDatabase& database) const {
    if (directory_.empty()) return ok();
    const auto compiled = database.serialize();
    if (!compiled) return Unexpected(compiled.error());
    const std::string path = directory_ + std::string(kFileName);
    const std::string draft = path + ".new";
    const int file = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0) return failed(draft);
    const bool is_written = write_all(file, header_of(patterns)) &&
                            write_all(file, {compiled->data(), compiled->size()}) &&
                            ::fsync(file) == 0;
    const Status status = is_written ? ok() : Status(failed(draft));
    ::close(file);
    if (!status) return status;
    return ::rename(draft.c_str(), path.c_str()) == 0 ? ok() : Status(failed(path));
}

}  // namespace causeway
