// SPDX-License-Identifier: Apache-2.0
//
// A stage promises not to throw, or it does not walk.
//
// Expect: constraint failure|constraints not satisfied|template constraint
#include "dataplane/stage.h"

using namespace causeway;

struct Careless {
    static constexpr std::string_view kName = "careless";
#ifdef MUST_NOT_COMPILE
    static void run(Burst& burst, const Tables& tables);
#else
    static void run(Burst& burst, const Tables& tables) noexcept;
#endif
};

using CarelessWalk = Walk<Careless>;
CarelessWalk* walk = nullptr;
