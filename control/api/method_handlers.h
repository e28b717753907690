// SPDX-License-Identifier: Apache-2.0
//
// The handlers behind the table of methods.cc. Each gets parameters that fit its declaration there.
#pragma once

#include "control/api/json_rpc.h"
#include "control/api/router_api.h"

namespace causeway::detail {

// Of one answer to a list, if the caller names no `limit`, and at most.
inline constexpr std::size_t kPageRows = 256;
inline constexpr std::size_t kPageRowsMax = 1'000;

[[nodiscard]] Answer get_status(RouterApi& router, const Params& params);
[[nodiscard]] Answer list_ports(RouterApi& router, const Params& params);
[[nodiscard]] Answer list_stages(RouterApi& router, const Params& params);
[[nodiscard]] Answer list_fpm(RouterApi& router, const Params& params);
[[nodiscard]] Answer get_fpm(RouterApi& router, const Params& params);
[[nodiscard]] Answer list_vrfs(RouterApi& router, const Params& params);
[[nodiscard]] Answer list_circuits(RouterApi& router, const Params& params);
[[nodiscard]] Answer get_circuit(RouterApi& router, const Params& params);
[[nodiscard]] Answer list_attachments(RouterApi& router, const Params& params);
[[nodiscard]] Answer get_attachment(RouterApi& router, const Params& params);
[[nodiscard]] Answer list_counters(RouterApi& router, const Params& params);
[[nodiscard]] Answer get_counters(RouterApi& router, const Params& params);
[[nodiscard]] Answer list_neighbours(RouterApi& router, const Params& params);
[[nodiscard]] Answer list_bfd(RouterApi& router, const Params& params);
[[nodiscard]] Answer list_routes(RouterApi& router, const Params& params);
[[nodiscard]] Answer match_route(RouterApi& router, const Params& params);
[[nodiscard]] Answer list_groups(RouterApi& router, const Params& params);
[[nodiscard]] Answer list_punts(RouterApi& router, const Params& params);
[[nodiscard]] Answer list_drops(RouterApi& router, const Params& params);

[[nodiscard]] Answer list_acls(RouterApi& router, const Params& params);
[[nodiscard]] Answer list_acl_rules(RouterApi& router, const Params& params);
[[nodiscard]] Answer explain_acl(RouterApi& router, const Params& params);
[[nodiscard]] Answer list_policers(RouterApi& router, const Params& params);
[[nodiscard]] Answer list_peaks(RouterApi& router, const Params& params);
[[nodiscard]] Answer reset_peaks(RouterApi& router, const Params& params);

[[nodiscard]] Answer list_name_sets(RouterApi& router, const Params& params);
[[nodiscard]] Answer list_name_rules(RouterApi& router, const Params& params);
[[nodiscard]] Answer list_learned_addresses(RouterApi& router, const Params& params);
[[nodiscard]] Answer get_name_counts(RouterApi& router, const Params& params);
[[nodiscard]] Answer get_nat_status(RouterApi& router, const Params& params);
[[nodiscard]] Answer list_nat_pools(RouterApi& router, const Params& params);
[[nodiscard]] Answer list_nat_sessions(RouterApi& router, const Params& params);
[[nodiscard]] Answer list_nat_mappings(RouterApi& router, const Params& params);
[[nodiscard]] Answer list_nat_hosts(RouterApi& router, const Params& params);
[[nodiscard]] Answer clear_nat(RouterApi& router, const Params& params);

[[nodiscard]] Answer add_route(RouterApi& router, const Params& params);
[[nodiscard]] Answer replace_route(RouterApi& router, const Params& params);
[[nodiscard]] Answer delete_route(RouterApi& router, const Params& params);
[[nodiscard]] Answer edit_routes(RouterApi& router, const Params& params);
[[nodiscard]] Answer begin_sync(RouterApi& router, const Params& params);
[[nodiscard]] Answer end_sync(RouterApi& router, const Params& params);
[[nodiscard]] Answer set_link(RouterApi& router, const Params& params);
[[nodiscard]] Answer drain_link(RouterApi& router, const Params& params);
[[nodiscard]] Answer undrain_link(RouterApi& router, const Params& params);
[[nodiscard]] Answer set_attachment(RouterApi& router, const Params& params);
[[nodiscard]] Answer set_port(RouterApi& router, const Params& params);
[[nodiscard]] Answer get_config(RouterApi& router, const Params& params);
[[nodiscard]] Answer check_config(RouterApi& router, const Params& params);
[[nodiscard]] Answer apply_config(RouterApi& router, const Params& params);

}  // namespace causeway::detail
