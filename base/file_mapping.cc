// SPDX-License-Identifier: Apache-2.0
#include "base/file_mapping.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>

namespace causeway {

Result<FileMapping> FileMapping::create(int descriptor, std::size_t bytes, FileAccess access) {
    int protection = PROT_READ;
    if (access == FileAccess::kReadWrite) protection |= PROT_WRITE;
    void* const start = mmap(nullptr, bytes, protection, MAP_SHARED, descriptor, 0);
    if (start == MAP_FAILED) {
        return Unexpected(ErrorCode::kUnavailable,
                          "the system refuses " + std::to_string(bytes >> 20) +
                              " MiB of address space: " + std::strerror(errno));
    }
    madvise(start, bytes, MADV_HUGEPAGE);  // of tmpfs, where the system has been told to listen
    madvise(start, bytes, MADV_DONTDUMP);
    return FileMapping(static_cast<std::byte*>(start), bytes);
}

FileMapping::~FileMapping() {
    if (data_ != nullptr) munmap(data_, bytes_);
}

}  // namespace causeway
