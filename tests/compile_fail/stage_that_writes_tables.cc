// SPDX-License-Identifier: Apache-2.0
//
// A worker reads its tables and never writes them.
//
// Expect: constraint failure|constraints not satisfied|template constraint
#include "dataplane/stage.h"

using namespace causeway;

struct Meddler {
    static constexpr std::string_view kName = "meddler";
#ifdef MUST_NOT_COMPILE
    static void run(Burst& burst, Tables& tables) noexcept;
#else
    static void run(Burst& burst, const Tables& tables) noexcept;
#endif
};

using MeddlerWalk = Walk<Meddler>;
MeddlerWalk* walk = nullptr;
