// SPDX-License-Identifier: Apache-2.0
//
// What the processor can do beyond x86-64-v3, which everything is compiled for.
#pragma once

namespace causeway {

// x86-64-v4, for which AVX-512 kernels are compiled.
[[nodiscard]] inline bool has_avx512() noexcept {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
}

}  // namespace causeway
