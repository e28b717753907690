// SPDX-License-Identifier: Apache-2.0
#include "control/route_files/output_file.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace causeway {
namespace {

Unexpected unwritable(std::string_view why) {
    return {ErrorCode::kUnavailable, fmt::format("cannot be written: {}", why)};
}

int add_filter(archive* out, std::string_view path) {
    if (path.ends_with(".gz")) return archive_write_add_filter_gzip(out);
    if (path.ends_with(".bz2")) return archive_write_add_filter_bzip2(out);
    if (path.ends_with(".xz")) return archive_write_add_filter_xz(out);
    if (path.ends_with(".zst")) return archive_write_add_filter_zstd(out);
    return ARCHIVE_OK;
}

// Permissions of the file that is replaced, or those a new one gets.
mode_t mode_for(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) == 0) return status.st_mode & 07777;
    const mode_t mask = ::umask(0);
    ::umask(mask);
    return 0666 & ~mask;
}

// Devices and pipes are written to, and not replaced.
bool is_special(const std::string& path) {
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode);
}

}  // namespace

void OutputFile::Close::operator()(archive* out) const {
    archive_write_free(out);
}

OutputFile::~OutputFile() {
    archive_.reset();
    if (descriptor_ >= 0) ::close(descriptor_);
    if (!beside_.empty()) ::unlink(beside_.c_str());
}

Result<std::unique_ptr<OutputFile>> OutputFile::create(const std::string& path) {
    std::unique_ptr<OutputFile> file(new OutputFile(path));
    if (const Status opened = file->open(); !opened) return Unexpected(opened.error());
    return file;
}

Status OutputFile::open() {
    if (is_special(path_)) {
        descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY);
    } else {
        beside_ = path_ + ".XXXXXX";
        descriptor_ = ::mkostemp(beside_.data(), O_CLOEXEC);
        if (descriptor_ < 0) beside_.clear();
    }
    if (descriptor_ < 0) return unwritable(std::strerror(errno));
    if (!beside_.empty() && ::fchmod(descriptor_, mode_for(path_)) != 0)
        return unwritable(std::strerror(errno));

    archive_.reset(archive_write_new());
    archive* const out = archive_.get();
    if (out == nullptr || archive_write_set_format_raw(out) != ARCHIVE_OK ||
        add_filter(out, path_) != ARCHIVE_OK)
        return failed();
    // Equal routes make equal files. There is no such option where gzip is not the filter.
    archive_write_set_filter_option(out, "gzip", "timestamp", nullptr);
    constexpr int kNoPadding = 1;
    if (archive_write_set_bytes_in_last_block(out, kNoPadding) != ARCHIVE_OK ||
        archive_write_open_fd(out, descriptor_) != ARCHIVE_OK)
        return failed();
    archive_entry* const entry = archive_entry_new();
    archive_entry_set_filetype(entry, AE_IFREG);
    const int code = archive_write_header(out, entry);
    archive_entry_free(entry);
    return code == ARCHIVE_OK ? ok() : failed();
}

Status OutputFile::failed() const {
    const char* const why = archive_ ? archive_error_string(archive_.get()) : nullptr;
    return unwritable(why != nullptr ? why : "no memory");
}

Status OutputFile::write(std::string_view text) {
    const la_ssize_t written = archive_write_data(archive_.get(), text.data(), text.size());
    return written == static_cast<la_ssize_t>(text.size()) ? ok() : failed();
}

Status OutputFile::commit() {
    if (archive_write_close(archive_.get()) != ARCHIVE_OK) return failed();
    if (beside_.empty()) return ok();
    if (::fsync(descriptor_) != 0 || ::rename(beside_.c_str(), path_.c_str()) != 0)
        return unwritable(std::strerror(errno));
    beside_.clear();
    return ok();
}

}  // namespace causeway
