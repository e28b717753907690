// SPDX-License-Identifier: Apache-2.0
#include "control/nat_log/log_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>
#include <vector>

namespace causeway {
namespace {

std::uint64_t whole_records(std::uint64_t file_bytes) {
    if (file_bytes < kNatLogHeaderBytes) return 0;
    const std::uint64_t records = (file_bytes - kNatLogHeaderBytes) / kNatLogRecordBytes;
    return kNatLogHeaderBytes + records * kNatLogRecordBytes;
}

template <std::size_t kBytes>
std::size_t read_bytes(std::istream& in, std::array<std::uint8_t, kBytes>& bytes) {
    in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(kBytes));
    return static_cast<std::size_t>(in.gcount());
}

}  // namespace

Status read_nat_log(std::istream& in, const std::function<void(const NatLogRecord&)>& see) {
    NatLogHeader header{};
    const std::size_t header_bytes = read_bytes(in, header);
    if (Status known = check_nat_log_header(std::span(header).first(header_bytes)); !known) {
        return known;
    }
    for (std::uint64_t number = 1;; ++number) {
        NatLogBytes bytes{};
        const std::size_t count = read_bytes(in, bytes);
        if (count == 0) return ok();
        const std::string which = "record " + std::to_string(number) + ": ";
        if (count < bytes.size()) {
            return Unexpected(ErrorCode::kInvalid, which + "the file ends within it");
        }
        const Result<NatLogRecord> record = decode(bytes);
        if (!record) return Unexpected(ErrorCode::kInvalid, which + record.error().message);
        see(*record);
    }
}

Result<NatLogFile> NatLogFile::open(const std::string& path, std::uint64_t bytes_max) {
    NatLogFile file(path, bytes_max);
    if (Status opened = file.open(); !opened) return Unexpected(opened.error());
    return file;
}

NatLogFile::NatLogFile(NatLogFile&& other) noexcept
    : path_(std::move(other.path_)),
      bytes_max_(other.bytes_max_),
      size_(other.size_),
      descriptor_(std::exchange(other.descriptor_, -1)) {}

NatLogFile& NatLogFile::operator=(NatLogFile&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(bytes_max_, other.bytes_max_);
    std::swap(size_, other.size_);
    std::swap(descriptor_, other.descriptor_);
    return *this;
}

NatLogFile::~NatLogFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

Status NatLogFile::open() {
    const auto refused = [this](const std::string& why) {
        return Unexpected(ErrorCode::kUnavailable, path_ + ": " + why);
    };
    descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0640);
    struct stat status {};
    if (descriptor_ < 0 || ::fstat(descriptor_, &status) != 0) {
        return refused(std::strerror(errno));
    }
    if (!S_ISREG(status.st_mode)) return refused("it is no file");
    size_ = static_cast<std::uint64_t>(status.st_size);
    if (size_ == 0) {
        const NatLogHeader header = nat_log_header();
        if (write(header) != header.size()) return refused(std::strerror(errno));
        return ok();
    }
    NatLogHeader header{};
    const ssize_t got = ::pread(descriptor_, header.data(), header.size(), 0);
    const auto header_bytes = static_cast<std::size_t>(std::max<ssize_t>(got, 0));
    const Status known = check_nat_log_header(std::span(header).first(header_bytes));
    if (!known) return refused(known.error().message);
    if (size_ != whole_records(size_)) {
        size_ = whole_records(size_);
        if (::ftruncate(descriptor_, static_cast<off_t>(size_)) != 0) {
            return refused(std::strerror(errno));
        }
    }
    return ok();
}

std::size_t NatLogFile::write(std::span<const std::uint8_t> bytes) {
    std::size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t count = ::write(descriptor_, bytes.data() + done, bytes.size() - done);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) break;
        done += static_cast<std::size_t>(count);
    }
    size_ += done;
    return done;
}

void NatLogFile::rotate() {
    ::close(std::exchange(descriptor_, -1));
    // What fails here fails in open(), too, or the file goes on growing.
    (void)std::rename(path_.c_str(), (path_ + ".1").c_str());
    (void)open();
}

std::size_t NatLogFile::append(std::span<const NatLogRecord> records) {
    if (size_ >= bytes_max_ || descriptor_ < 0) rotate();
    if (descriptor_ < 0) return 0;
    std::vector<std::uint8_t> bytes;
    bytes.reserve(records.size() * kNatLogRecordBytes);
    for (const NatLogRecord& record : records) {
        const NatLogBytes encoded = encode(record);
        bytes.insert(bytes.end(), encoded.begin(), encoded.end());
    }
    const std::size_t done = write(bytes);
    if (done == bytes.size()) return records.size();
    // No half record stays in the middle.
    if (::ftruncate(descriptor_, static_cast<off_t>(whole_records(size_))) == 0) {
        size_ = whole_records(size_);
    }
    return done / kNatLogRecordBytes;
}

}  // namespace causeway
