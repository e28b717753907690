// SPDX-License-Identifier: Apache-2.0
#include "control/config/names_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/limits.h"

namespace causeway {
namespace {

class OpenFile {
  public:
    // Without waiting, whatever it is that has this name.
    explicit OpenFile(const std::string& path)
        : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) {}
    ~OpenFile() {
        if (descriptor_ >= 0) ::close(descriptor_);
    }
    OpenFile(const OpenFile&) = delete;
    OpenFile& operator=(const OpenFile&) = delete;
    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

  private:
    int descriptor_;
};

Unexpected unreadable(const std::string& path, std::string_view why) {
    return {ErrorCode::kInvalid, fmt::format("cannot read {}: {}", path, why)};
}

Result<std::string> contents_of(const std::string& path) {
    const OpenFile file(path);
    struct stat status {};
    if (file.descriptor() < 0 || ::fstat(file.descriptor(), &status) != 0) {
        return unreadable(path, std::strerror(errno));
    }
    if (!S_ISREG(status.st_mode)) return unreadable(path, "it is no plain file");
    const auto size = static_cast<std::size_t>(status.st_size);
    if (size > kNamesFileBytesMax) {
        return unreadable(path, fmt::format("it has more than {} bytes", kNamesFileBytesMax));
    }
    std::string text(size, '\0');
    std::size_t filled = 0;
    while (filled < size) {
        const ssize_t count = ::read(file.descriptor(), text.data() + filled, size - filled);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return unreadable(path, std::strerror(errno));
        if (count == 0) break;  // it has become shorter
        filled += static_cast<std::size_t>(count);
    }
    text.resize(filled);
    return text;
}

std::string_view trimmed(std::string_view line) {
    constexpr std::string_view kSpace = " \t\r";
    line = line.substr(0, line.find('#'));
    const auto first = line.find_first_not_of(kSpace);
    if (first == std::string_view::npos) return {};
    return line.substr(first, line.find_last_not_of(kSpace) - first + 1);
}

}  // namespace

Result<std::vector<NamePattern>> read_names_file(const std::string& path) {
    const auto text = contents_of(path);
    if (!text) return Unexpected(text.error());
    return parse_names(*text, path);
}

Result<std::vector<NamePattern>> parse_names(std::string_view text, std::string_view path) {
    std::vector<NamePattern> names;
    for (std::size_t number = 1; !text.empty(); ++number) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = trimmed(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.empty()) continue;
        auto name = NamePattern::from(line);
        if (!name) {
            return Unexpected(ErrorCode::kInvalid,
                              fmt::format("line {} of {}: {}", number, path, name.error().message));
        }
        if (names.size() == kNamesMax) {
            return Unexpected(ErrorCode::kInvalid,
                              fmt::format("{} has more than {} names", path, kNamesMax));
        }
        names.push_back(std::move(name).value());
    }
    return names;
}

}  // namespace causeway
