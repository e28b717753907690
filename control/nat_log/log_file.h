// SPDX-License-Identifier: Apache-2.0
//
// The NAT's log as a file (its format: nat/log_record.h): written by appending, so that a crash
// costs at most the record that was being written, and read from its beginning.
#pragma once

#include <cstdint>
#include <functional>
#include <istream>
#include <span>
#include <string>

#include "base/result.h"
#include "nat/log_record.h"

namespace causeway {

// Calls `see` for each record. An error says where the file stops making sense; what stands before
// has been seen by then.
[[nodiscard]] Status read_nat_log(std::istream& in,
                                  const std::function<void(const NatLogRecord&)>& see);

class NatLogFile {
  public:
    // Goes on behind what is in the file, if that is a log of ours; a record that was cut is cut
    // off. Once the file has `bytes_max` it becomes PATH.1, in the place of an older one.
    [[nodiscard]] static Result<NatLogFile> open(const std::string& path, std::uint64_t bytes_max);

    NatLogFile(NatLogFile&& other) noexcept;
    NatLogFile& operator=(NatLogFile&& other) noexcept;
    ~NatLogFile();

    // How many of them are in the file now: all, or those before the system refused one.
    std::size_t append(std::span<const NatLogRecord> records);

  private:
    NatLogFile(std::string path, std::uint64_t bytes_max)
        : path_(std::move(path)), bytes_max_(bytes_max) {}
    [[nodiscard]] Status open();
    [[nodiscard]] std::size_t write(std::span<const std::uint8_t> bytes);
    void rotate();

    std::string path_;
    std::uint64_t bytes_max_;
    std::uint64_t size_ = 0;
    int descriptor_ = -1;
};

}  // namespace causeway
