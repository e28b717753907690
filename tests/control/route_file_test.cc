// SPDX-License-Identifier: Apache-2.0
//
// Files as they are on the disk: compressed, cut off, damaged, replaced.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "base/check.h"
#include "control/route_files/input_file.h"
#include "control/route_files/output_file.h"
#include "tests/support/seed.h"

namespace causeway {
namespace {

namespace fs = std::filesystem;

class RouteFileTest : public testing::Test {
  protected:
    RouteFileTest() {
        std::string pattern = "/tmp/causeway-files-XXXXXX";
        CHECK(::mkdtemp(pattern.data()) != nullptr);
        folder_ = pattern;
        for (int i = 0; i < 15'000; ++i)
            content_ += "10." + std::to_string(i / 256) + '.' + std::to_string(i % 256) +
                        ".0/24 172.16.0." + std::to_string(random_.below(256)) + '\n';
    }
    ~RouteFileTest() override { fs::remove_all(folder_); }

    // As OutputFile compresses it.
    std::string packed(const std::string& name) {
        const auto file = OutputFile::create(folder_ / name);
        EXPECT_TRUE((*file)->write(content_).has_value());
        EXPECT_TRUE((*file)->commit().has_value());
        return fs::is_regular_file(folder_ / name) ? bytes_of(folder_ / name) : "";
    }
    static std::string bytes_of(const fs::path& path) {
        std::ifstream file(path, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    // What InputFile reads of a file with these bytes: all of it and no error, or an error.
    struct Unpacked {
        std::string content;
        std::string error;
    };
    Unpacked unpack(const std::string& bytes) {
        std::ofstream(folder_ / "input", std::ios::binary) << bytes;
        const auto input = InputFile::open(folder_ / "input");
        CHECK(input.has_value());
        Unpacked unpacked;
        while (true) {
            const auto read = (*input)->read();
            if (!read) unpacked.error = read.error().message;
            if (!read || read->empty()) return unpacked;
            unpacked.content.append(read->begin(), read->end());
        }
    }

    test::SeededRandom random_;
    fs::path folder_;
    std::string content_;
};

constexpr const char* kCompressed[] = {"t.gz", "t.bz2", "t.xz", "t.zst"};

TEST_F(RouteFileTest, EveryCompressionIsReadAsItWasWritten) {
    EXPECT_EQ(packed("t.txt"), content_);
    EXPECT_EQ(unpack(content_).content, content_);
    for (const char* name : kCompressed) {
        const std::string bytes = packed(name);
        EXPECT_LT(bytes.size(), content_.size() / 3) << name;
        const Unpacked unpacked = unpack(bytes);
        EXPECT_EQ(unpacked.error, "") << name;
        EXPECT_TRUE(unpacked.content == content_) << name;
        EXPECT_TRUE(unpack(bytes + bytes).content == content_ + content_) << name << ", two parts";
        EXPECT_TRUE(packed(name) == bytes) << name << ": equal routes make equal files";
    }
    EXPECT_EQ(unpack("").error, "");
}

TEST_F(RouteFileTest, ACompressedFileThatIsCutIsAnError) {
    for (const char* name : kCompressed) {
        const std::string bytes = packed(name);
        for (int i = 0; i < 40; ++i) {
            const std::size_t size = i < 20 ? bytes.size() - 1 - static_cast<std::size_t>(i)
                                            : 8 + random_.below(bytes.size() - 8);
            const Unpacked unpacked = unpack(bytes.substr(0, size));
            EXPECT_NE(unpacked.error, "") << name << " cut at " << size;
            EXPECT_TRUE(content_.starts_with(unpacked.content)) << name << " cut at " << size;
        }
    }
}

// Each of them has a checksum. A flipped bit is found, or lies where nothing depends on it.
TEST_F(RouteFileTest, ACompressedFileThatIsDamagedIsNeverReadAsAnother) {
    for (const char* name : {"t.gz", "t.bz2", "t.xz"}) {
        const std::string bytes = packed(name);
        std::size_t found = 0;
        constexpr std::size_t kRounds = 60;
        for (std::size_t i = 0; i < kRounds; ++i) {
            std::string damaged = bytes;
            const std::size_t where = 8 + random_.below(bytes.size() - 8);
            damaged[where] = static_cast<char>(damaged[where] ^ 1 << random_.below(8));
            const Unpacked unpacked = unpack(damaged);
            found += unpacked.error.empty() ? 0 : 1;
            if (!unpacked.error.empty()) continue;
            EXPECT_TRUE(unpacked.content == content_) << name << " at " << where;
        }
        EXPECT_GT(found, kRounds / 2) << name;
    }
}

// The same of zstd, as zstd(1) writes it: with a checksum, which OutputFile's has not.
TEST_F(RouteFileTest, EveryBitOfAFileByZstdIsChecked) {
    const std::string content =
        "10.0.0.0/8 192.0.2.1\n10.1.0.0/16 192.0.2.5\n10.2.0.0/16 192.0.2.1\n";
    constexpr std::array<std::uint8_t, 54> kPacked{
        0x28, 0xb5, 0x2f, 0xfd, 0x24, 0x41, 0x4d, 0x01, 0x00, 0xd8, 0x31, 0x30, 0x2e, 0x2f,
        0x38, 0x20, 0x31, 0x39, 0x32, 0x2e, 0x30, 0x2e, 0x32, 0x2e, 0x31, 0x0a, 0x31, 0x30,
        0x2e, 0x31, 0x2f, 0x31, 0x36, 0x35, 0x32, 0x31, 0x0a, 0x05, 0x00, 0x00, 0x05, 0x84,
        0x9b, 0xb3, 0x46, 0x9d, 0xb1, 0xba, 0xdc, 0x10, 0x3f, 0x5a, 0xfd, 0x33};
    const std::string packed(kPacked.begin(), kPacked.end());
    EXPECT_EQ(unpack(packed).content, content);
    constexpr std::size_t kMagicBytes = 4;
    for (std::size_t bit = 8 * kMagicBytes; bit < 8 * packed.size(); ++bit) {
        std::string damaged = packed;
        damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ 1 << bit % 8);
        const Unpacked unpacked = unpack(damaged);
        EXPECT_TRUE(!unpacked.error.empty() || unpacked.content == content) << bit;
    }
}

TEST_F(RouteFileTest, WhatCannotBeOpenedSaysWhy) {
    EXPECT_EQ(InputFile::open("/no/such/file").error().message,
              "cannot be read: No such file or directory");
    EXPECT_EQ(InputFile::open(folder_).error().message, "cannot be read: Is a directory");
    EXPECT_EQ(OutputFile::create("/no/such/file").error().message,
              "cannot be written: No such file or directory");
}

TEST_F(RouteFileTest, AFileIsReplacedWholeOrNotAtAll) {
    const fs::path path = folder_ / "table";
    std::ofstream(path) << "old";
    fs::permissions(path, fs::perms(0640));
    {
        const auto file = OutputFile::create(path);
        EXPECT_TRUE((*file)->write(content_).has_value());
        EXPECT_EQ(bytes_of(path), "old");
    }
    EXPECT_EQ(bytes_of(path), "old");
    EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 1) << "nothing is left beside it";
    packed("table");
    EXPECT_TRUE(bytes_of(path) == content_);
    EXPECT_EQ(fs::status(path).permissions(), fs::perms(0640));
    EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 1);
}

TEST_F(RouteFileTest, APipeIsWrittenToAndNotReplaced) {
    const fs::path path = folder_ / "pipe";
    CHECK(::mkfifo(path.c_str(), 0600) == 0);
    std::FILE* const reader = ::popen(("wc -c < " + path.string()).c_str(), "r");
    packed("pipe");
    std::size_t count = 0;
    EXPECT_EQ(std::fscanf(reader, "%zu", &count), 1);
    ::pclose(reader);
    EXPECT_EQ(count, content_.size());
    EXPECT_TRUE(fs::is_fifo(path));
}

}  // namespace
}  // namespace causeway
