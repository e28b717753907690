// SPDX-License-Identifier: Apache-2.0
#include "control/route_files/input_file.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

namespace causeway {
namespace {

constexpr std::size_t kChunkBytes = 256 << 10;

Unexpected unreadable(std::string_view why) {
    return {ErrorCode::kUnavailable, fmt::format("cannot be read: {}", why)};
}

// RFC 1952 2.3.1, the bzip2 file format, the .xz file format 2.1.1.1, RFC 8878 3.1.1.
constexpr std::string_view kGzip = "\x1f\x8b\x08";
constexpr std::array<std::string_view, 3> kOthers{"BZh",
                                                  {"\xfd"
                                                   "7zXZ\0",
                                                   6},
                                                  "\x28\xb5\x2f\xfd"};

}  // namespace

// The bytes of the file itself.
class InputFile::Descriptor final : public ByteSource {
  public:
    explicit Descriptor(int descriptor) : descriptor_(descriptor), chunk_(kChunkBytes) {
        struct stat status {};
        if (::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode))
            total_ = static_cast<std::uint64_t>(status.st_size);
    }
    ~Descriptor() override {
        if (descriptor_ != STDIN_FILENO) ::close(descriptor_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;

    // Fills the chunk, which the next read() gives: whole, if it is not the last, so that the first
    // is enough to tell what the file is.
    Result<std::string_view> peek() {
        while (filled_ < chunk_.size()) {
            const ssize_t count =
                ::read(descriptor_, chunk_.data() + filled_, chunk_.size() - filled_);
            if (count < 0 && errno == EINTR) continue;
            if (count < 0) return unreadable(std::strerror(errno));
            if (count == 0) break;
            filled_ += static_cast<std::size_t>(count);
        }
        return std::string_view(reinterpret_cast<const char*>(chunk_.data()), filled_);
    }

    Result<std::span<const std::uint8_t>> read() override {
        if (const auto filled = peek(); !filled) return Unexpected(filled.error());
        read_ += filled_;
        return std::span<const std::uint8_t>(chunk_).first(std::exchange(filled_, 0));
    }

    [[nodiscard]] std::uint64_t bytes_read() const noexcept { return read_; }
    [[nodiscard]] std::uint64_t bytes_total() const noexcept { return total_; }

  private:
    int descriptor_;
    std::vector<std::uint8_t> chunk_;
    std::size_t filled_ = 0;
    std::uint64_t read_ = 0;
    std::uint64_t total_ = 0;
};

// gzip by zlib itself: libarchive 3.6 reads over the checksum behind the data (RFC 1952 2.3.1,
// CRC32), and a wrong route is worse than none.
class InputFile::Gunzip final : public ByteSource {
  public:
    explicit Gunzip(Descriptor& packed) : packed_(packed), chunk_(kChunkBytes) {
        constexpr int kWindowBitsOfGzip = 15 + 16;
        CHECK(::inflateInit2(&stream_, kWindowBitsOfGzip) == Z_OK);
    }
    ~Gunzip() override { ::inflateEnd(&stream_); }
    Gunzip(const Gunzip&) = delete;
    Gunzip& operator=(const Gunzip&) = delete;

    Result<std::span<const std::uint8_t>> read() override {
        stream_.next_out = chunk_.data();
        stream_.avail_out = static_cast<uInt>(chunk_.size());
        while (stream_.avail_out == chunk_.size()) {
            if (stream_.avail_in == 0) {
                const auto packed = packed_.read();
                if (!packed) return Unexpected(packed.error());
                if (packed->empty()) {
                    if (is_between_members_) break;
                    return unreadable("the gzip data ends too early");
                }
                stream_.next_in = const_cast<Bytef*>(packed->data());
                stream_.avail_in = static_cast<uInt>(packed->size());
            }
            if (const Status status = inflate_some(); !status) return Unexpected(status.error());
        }
        return std::span<const std::uint8_t>(chunk_).first(chunk_.size() - stream_.avail_out);
    }

  private:
    // A file may be several members, one behind the other (RFC 1952 2.2).
    Status inflate_some() {
        if (std::exchange(is_between_members_, false)) ::inflateReset(&stream_);
        const int code = ::inflate(&stream_, Z_NO_FLUSH);
        is_between_members_ = code == Z_STREAM_END;
        if (code == Z_OK || code == Z_STREAM_END) return ok();
        return unreadable(fmt::format("the gzip data is damaged{}{}",
                                      stream_.msg != nullptr ? ": " : "",
                                      stream_.msg != nullptr ? stream_.msg : ""));
    }

    Descriptor& packed_;
    std::vector<std::uint8_t> chunk_;
    z_stream stream_{};
    bool is_between_members_ = false;
};

// bzip2, xz and zstd by libarchive, which calls back for the packed bytes.
class InputFile::Unarchive final : public ByteSource {
  public:
    explicit Unarchive(Descriptor& packed) : packed_(packed) {
        archive* const in = archive_.get();
        CHECK(in != nullptr);
        // Only these: some of libarchive's others start programs.
        CHECK(archive_read_support_filter_bzip2(in) == ARCHIVE_OK);
        CHECK(archive_read_support_filter_xz(in) == ARCHIVE_OK);
        CHECK(archive_read_support_filter_zstd(in) == ARCHIVE_OK);
        CHECK(archive_read_support_format_raw(in) == ARCHIVE_OK);
        CHECK(archive_read_support_format_empty(in) == ARCHIVE_OK);
    }

    Result<std::span<const std::uint8_t>> read() override {
        archive* const in = archive_.get();
        if (!is_open_) {
            is_open_ = true;
            archive_entry* entry = nullptr;
            if (archive_read_open(in, this, nullptr, read_packed, nullptr) != ARCHIVE_OK)
                return failed();
            const int code = archive_read_next_header(in, &entry);
            if (code == ARCHIVE_EOF) return std::span<const std::uint8_t>();
            if (code != ARCHIVE_OK) return failed();
        }
        const void* block = nullptr;
        std::size_t size = 0;
        la_int64_t offset = 0;
        do {
            const int code = archive_read_data_block(in, &block, &size, &offset);
            if (code == ARCHIVE_EOF) return std::span<const std::uint8_t>();
            if (code != ARCHIVE_OK) return failed();
        } while (size == 0);
        return std::span(static_cast<const std::uint8_t*>(block), size);
    }

  private:
    static la_ssize_t read_packed(archive*, void* self, const void** bytes) {
        Unarchive& unarchive = *static_cast<Unarchive*>(self);
        const auto packed = unarchive.packed_.read();
        if (!packed) {
            unarchive.packed_error_ = packed.error();
            return -1;
        }
        *bytes = packed->data();
        return static_cast<la_ssize_t>(packed->size());
    }

    Unexpected failed() {
        if (!packed_error_.message.empty()) return Unexpected(packed_error_);
        const char* const why = archive_error_string(archive_.get());
        return unreadable(fmt::format("the compressed data is damaged or ends too early{}{}",
                                      why != nullptr ? ": " : "", why != nullptr ? why : ""));
    }

    struct Close {
        void operator()(archive* in) const { archive_read_free(in); }
    };
    Descriptor& packed_;
    std::unique_ptr<archive, Close> archive_{archive_read_new()};
    Error packed_error_;
    bool is_open_ = false;
};

InputFile::InputFile(std::unique_ptr<Descriptor> file) : file_(std::move(file)) {}
InputFile::~InputFile() = default;

Result<std::unique_ptr<InputFile>> InputFile::open(const std::string& path) {
    const int descriptor =
        path == "-" ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (descriptor < 0) return unreadable(std::strerror(errno));
    std::unique_ptr<InputFile> input(new InputFile(std::make_unique<Descriptor>(descriptor)));
    Descriptor& file = *input->file_;
    const Result<std::string_view> first = file.peek();
    if (!first) return Unexpected(first.error());
    if (first->starts_with(kGzip)) {
        input->unpacked_ = std::make_unique<Gunzip>(file);
    } else if (std::ranges::any_of(kOthers,
                                   [&](auto magic) { return first->starts_with(magic); })) {
        input->unpacked_ = std::make_unique<Unarchive>(file);
    }
    return input;
}

Result<std::span<const std::uint8_t>> InputFile::read() {
    return unpacked_ ? unpacked_->read() : file_->read();
}

std::uint64_t InputFile::bytes_read() const noexcept {
    return file_->bytes_read();
}

std::uint64_t InputFile::bytes_total() const noexcept {
    return file_->bytes_total();
}

}  // namespace causeway
