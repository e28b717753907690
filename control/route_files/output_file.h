// SPDX-License-Identifier: Apache-2.0
//
// OutputFile: a file that is there whole or not at all. It is written beside its place, compressed
// if its name ends in .gz, .bz2, .xz or .zst, and takes the place of an older one at commit().
// A .zst has no checksum, because libarchive 3.6 cannot ask for one; the others have.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

struct archive;

namespace causeway {

class OutputFile {
  public:
    [[nodiscard]] static Result<std::unique_ptr<OutputFile>> create(const std::string& path);
    ~OutputFile();  // without commit() nothing is left of it
    OutputFile(const OutputFile&) = delete;
    OutputFile& operator=(const OutputFile&) = delete;

    [[nodiscard]] Status write(std::string_view text);
    // On the disk when it returns.
    [[nodiscard]] Status commit();

  private:
    explicit OutputFile(std::string path) : path_(std::move(path)) {}
    [[nodiscard]] Status open();
    [[nodiscard]] Status failed() const;

    struct Close {
        void operator()(archive* out) const;
    };
    std::string path_;
    std::string beside_;  // where it is written; empty where there is nothing to remove
    int descriptor_ = -1;
    std::unique_ptr<archive, Close> archive_;
};

}  // namespace causeway
