// SPDX-License-Identifier: Apache-2.0
//
// InputFile: a file or standard input, unpacked on the way if it is compressed (gzip, bzip2, xz,
// zstd), which its first bytes tell.
#pragma once

#include <memory>
#include <string>

#include "control/route_files/byte_stream.h"

namespace causeway {

class InputFile final : public ByteSource {
  public:
    // "-" is standard input.
    [[nodiscard]] static Result<std::unique_ptr<InputFile>> open(const std::string& path);
    ~InputFile() override;

    [[nodiscard]] Result<std::span<const std::uint8_t>> read() override;

    // Of the file itself, before unpacking.
    [[nodiscard]] std::uint64_t bytes_read() const noexcept;
    [[nodiscard]] std::uint64_t bytes_total() const noexcept;  // 0 where nobody knows: a pipe

  private:
    class Descriptor;
    class Gunzip;
    class Unarchive;
    explicit InputFile(std::unique_ptr<Descriptor> file);

    std::unique_ptr<Descriptor> file_;
    std::unique_ptr<ByteSource> unpacked_;  // null: the file is plain
};

}  // namespace causeway
