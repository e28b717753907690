// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "dataplane/burst.h"
#include "dataplane/tables.h"

namespace causeway {

// NAT44, both ways. Who is inside of a NAT gets a public source; what is for a public address of
// ours gets the address inside and is routed there; what is both turns back (RFC 4787 REQ-9).
//
//   Reads    meta.attachment, meta.vrf, the packet
//   Writes   meta.vrf of what goes inside; addresses, ports and their checksums
//   Exits    kNatElsewhere kNatHeld kHandoverFull, and all others that begin with kNat
//   Cost     nothing where nobody in the burst may need it; else a search among the public
//            addresses, and a bulk lookup of sessions (docs/design/nat.md); a classification a
//            packet from inside where an access list says what is not translated
//   Source   RFC 4787, 5382, 5508, 6888, 7857; they stand in nat/ where they are followed
struct Translate {
    static constexpr std::string_view kName = "translate";

    static void run(Burst& burst, const Tables& tables) noexcept {
        if (!burst.policy().has_any(kTranslates) || tables.nat == nullptr) [[likely]]
            return;
        translate(burst, tables);
    }

  private:
    static void translate(Burst& burst, const Tables& tables) noexcept;
};

}  // namespace causeway
