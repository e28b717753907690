// SPDX-License-Identifier: Apache-2.0
//
// FRR's own programs, run by ours: vtysh, which asks its daemons, and frr-reload.py, which brings
// them in line with a file without a restart.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "control/frr/frr_config.h"

namespace causeway {

struct FrrPlaces {
    std::string configuration = "/etc/frr";  // holds a folder for each namespace
    std::string runtime = "/run/frr";        // likewise, with the daemons' sockets
    std::string reload = "/usr/lib/frr/frr-reload.py";
};

// What a program has written, to its standard output and error. kUnavailable where it cannot be
// run, or ends with another code than 0: the message has the last line that it wrote.
[[nodiscard]] Result<std::string> run_program(const std::vector<std::string>& words);

// What the daemons of a namespace answer to a command that ends in "json".
[[nodiscard]] Result<std::string> ask_frr(const FrrPlaces& places,
                                          const std::string& network_namespace,
                                          const std::string& command);

// Writes frr.conf, readable by FRR only, and, where there is none, daemons. The file is whole or
// not there.
[[nodiscard]] Status write_frr(const FrrPlaces& places, const FrrDocument& document);

// What the file daemons, which write_frr() leaves alone where it is, lacks of the lines that bfdd
// needs.
[[nodiscard]] std::vector<std::string> lines_for_bfdd(const FrrPlaces& places,
                                                      const FrrDocument& document);

// Whether zebra and bgpd of the namespace run.
[[nodiscard]] bool is_frr_up(const FrrPlaces& places, const std::string& network_namespace);
// Brings them in line with the file that write_frr() wrote.
[[nodiscard]] Status reload_frr(const FrrPlaces& places, const std::string& network_namespace);

}  // namespace causeway
