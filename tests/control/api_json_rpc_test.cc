// SPDX-License-Identifier: Apache-2.0
//
// The protocol without its socket: what comes back for a line, whatever the line.
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "base/text.h"
#include "control/api/json_rpc.h"
#include "control/api/methods.h"
#include "tests/control/fake_router.h"

namespace causeway {
namespace {

class JsonRpcTest : public testing::Test {
  protected:
    JsonRpc::Handled handle(std::string line, Role role = Role::kAdmin) {
        const std::size_t bytes = line.size();
        line.resize(bytes + JsonRpc::kPaddingBytes);
        return rpc_.handle(std::string_view(line).substr(0, bytes), role);
    }
    // The answer to one message that is not a batch.
    Json ask(const std::string& line, Role role = Role::kAdmin) {
        return Json::parse(handle(line, role).answer);
    }
    Json call(std::string_view method, const Json& params, Role role = Role::kAdmin) {
        return ask(
            Json{{"jsonrpc", "2.0"}, {"id", 1}, {"method", method}, {"params", params}}.dump(),
            role);
    }
    // "CODE FIELD" of the error that a call gets; "no error" if none.
    std::string error_of(std::string_view method, const Json& params, Role role = Role::kAdmin) {
        const Json answer = call(method, params, role);
        if (!answer.contains("error")) return "no error";
        const Json data = answer["error"].value("data", Json::object());
        return answer["error"]["code"].dump() + ' ' + data.value("field", "");
    }
    std::string message_of(std::string_view method, const Json& params) {
        return call(method, params)["error"].value("message", "no error");
    }
    FakeRouter router_;
    JsonRpc rpc_{router_, methods()};
};

TEST_F(JsonRpcTest, AnswersACallUnderItsIdentifier) {
    for (const char* id : {"1", "-7", "\"abc\"", "18446744073709551615", "null", "1.5"}) {
        const Json answer =
            ask(R"({"jsonrpc":"2.0","method":"status","id":)" + std::string(id) + "}");
        EXPECT_EQ(answer["id"].dump(), id);
        EXPECT_EQ(answer["jsonrpc"], "2.0");
        EXPECT_EQ(answer["result"]["version"], "0.1.0");
        EXPECT_FALSE(answer.contains("error"));
    }
}

TEST_F(JsonRpcTest, ANotificationIsExecutedAndNotAnswered) {
    EXPECT_EQ(handle(R"({"jsonrpc":"2.0","method":"status"})").answer, "");
    EXPECT_EQ(router_.status_calls, 1U);
    EXPECT_EQ(handle(R"({"jsonrpc":"2.0","method":"no.such"})").answer, "");
}

TEST_F(JsonRpcTest, WhatIsNoCallIsAnsweredWithTheCodeOfItsTrouble) {
    const struct {
        const char* line;
        int code;
    } kCases[] = {
        {"", -32700},
        {"{", -32700},
        {"nonsense", -32700},
        {"{\"a\":1}}", -32700},
        {"\"\xff\"", -32700},
        {"1", -32600},
        {"null", -32600},
        {"\"text\"", -32600},
        {"{}", -32600},
        {"[]", -32600},
        {R"({"jsonrpc":"1.0","method":"status","id":1})", -32600},
        {R"({"jsonrpc":"2.0","id":1})", -32600},
        {R"({"jsonrpc":"2.0","method":7,"id":1})", -32600},
        {R"({"jsonrpc":"2.0","method":"status","id":{}})", -32600},
        {R"({"jsonrpc":"2.0","method":"status","id":[1]})", -32600},
        {R"({"jsonrpc":"2.0","method":"statuss","id":1})", -32601},
        {R"({"jsonrpc":"2.0","method":"status","id":1,"params":[1]})", -32602},
        {R"({"jsonrpc":"2.0","method":"status","id":1,"params":"x"})", -32602},
    };
    for (const auto& row : kCases) {
        EXPECT_EQ(ask(row.line)["error"]["code"], row.code) << row.line;
    }
    EXPECT_EQ(ask(std::string(100'000, '['))["error"]["code"], -32700);
    EXPECT_EQ(ask(std::string(4'096, '\0'))["error"]["code"], -32700);
}

TEST_F(JsonRpcTest, AnUnknownMethodIsRefusedWithTheOneThatWasMeant) {
    const Json answer = call("route.lst", Json::object());
    EXPECT_NE(answer["error"]["message"].get<std::string>().find("route.list"), std::string::npos);
}

TEST_F(JsonRpcTest, ParametersAreCheckedByName) {
    EXPECT_EQ(error_of("route.match", {{"vrf", "contoso"}}), "-32602 address");
    EXPECT_EQ(error_of("route.match", {{"vrf", 5}, {"address", "10.0.0.1"}}), "-32602 vrf");
    EXPECT_EQ(error_of("route.match", {{"vrf", "contoso"}, {"address", "10.0.0"}}),
              "-32602 address");
    EXPECT_EQ(error_of("route.list", {{"limit", 0}}), "-32602 limit");
    EXPECT_EQ(error_of("route.list", {{"limit", "9"}}), "-32602 limit");
    EXPECT_EQ(error_of("route.list", {{"source", "rumour"}}), "-32602 source");
    EXPECT_EQ(error_of("route.list", {{"within", "10.0.0.1/8"}}), "-32602 within");
    EXPECT_EQ(error_of("route.list", {{"after", "nothing of ours"}}), "-32602 after");
    EXPECT_EQ(error_of("route.list", {{"limt", 9}}), "-32602 limt");
    EXPECT_EQ(error_of("status", {{"x", 1}}), "-32602 x");
    EXPECT_NE(message_of("route.list", {{"limt", 9}}).find("\"limit\""), std::string::npos);
    EXPECT_EQ(ask(R"({"jsonrpc":"2.0","id":1,"method":"route.list",)"
                  R"("params":{"limit":1,"limit":2}})")["error"]["data"]["field"],
              "limit");
}

TEST_F(JsonRpcTest, TroubleOfTheRouterHasItsOwnCodes) {
    EXPECT_EQ(error_of("circuit.get", {{"name", "fabrikam"}}), "-32001 name");
    const Json route{{"vrf", "contoso"}, {"prefix", "10.0.0.0/8"}, {"via", {"172.16.0.1"}}};
    EXPECT_EQ(error_of("route.add", route), "no error");
    EXPECT_EQ(error_of("route.add", route), "-32002 prefix");
}

TEST_F(JsonRpcTest, ReadersReadAndAdminsChange) {
    for (const Method& method : methods()) {
        const Json answer = call(method.name, {{"no such parameter", 1}}, Role::kReadOnly);
        const int expected = method.role == Role::kAdmin ? -32004 : -32602;
        EXPECT_EQ(answer["error"]["code"], expected) << method.name;
    }
    const Json route{{"vrf", "contoso"}, {"prefix", "10.0.0.0/8"}, {"via", {"172.16.0.1"}}};
    EXPECT_EQ(error_of("route.add", route, Role::kReadOnly), "-32004 method");
    EXPECT_TRUE(router_.tables["contoso"].empty());
}

TEST_F(JsonRpcTest, ReadersSeeTheConfigurationWithoutItsSecrets) {
    const Json known = call("config.get", Json::object(), Role::kAdmin)["result"];
    const Json spared = call("config.get", Json::object(), Role::kReadOnly)["result"];
    EXPECT_EQ(known["has-secrets"], true);
    EXPECT_EQ(spared["has-secrets"], false);
    EXPECT_NE(known["yaml"].get<std::string>().find("password"), std::string::npos);
    EXPECT_EQ(spared["yaml"], "circuits: []\n");
}

TEST_F(JsonRpcTest, ABatchIsTakenApartInOrder) {
    const auto handled = handle(R"([{"jsonrpc":"2.0","id":1,"method":"status"}, 7])");
    EXPECT_EQ(handled.answer, "");
    ASSERT_EQ(handled.batch.size(), 2U);
    EXPECT_EQ(Json::parse(rpc_.handle_call(handled.batch[0], Role::kAdmin))["id"], 1);
    EXPECT_EQ(Json::parse(rpc_.handle_call(handled.batch[1], Role::kAdmin))["error"]["code"],
              -32600);
}

TEST_F(JsonRpcTest, ABatchWithinABatchIsNoCall) {
    const auto handled = handle(R"([[{"jsonrpc":"2.0","id":1,"method":"status"}]])");
    ASSERT_EQ(handled.batch.size(), 1U);
    EXPECT_EQ(Json::parse(rpc_.handle_call(handled.batch[0], Role::kAdmin))["error"]["code"],
              -32600);
}

TEST_F(JsonRpcTest, ABatchHasAMaximum) {
    std::string many = "[0";
    for (std::size_t i = 0; i < JsonRpc::kBatchCallsMax; ++i) many += ",0";
    EXPECT_EQ(ask(many + "]")["error"]["code"], -32006);
}

TEST_F(JsonRpcTest, RoutesAreAddedInEverySpelling) {
    const Json via{"172.16.0.1", "172.16.0.5@3", {{"address", "172.16.0.9"}, {"weight", 2}}};
    EXPECT_EQ(call("route.add",
                   {{"vrf", "contoso"}, {"prefix", "10.0.0.0/8"}, {"via", via}})["result"]["added"],
              1);
    const auto route = router_.tables["contoso"].at(*parse_ipv4_prefix("10.0.0.0/8"));
    ASSERT_EQ(route.via.size(), 3U);
    EXPECT_EQ(route.via[0].weight, 1U);
    EXPECT_EQ(route.via[1].weight, 3U);
    EXPECT_EQ(to_string(route.via[2].address), "172.16.0.9");
    EXPECT_EQ(route.via[2].weight, 2U);
    EXPECT_EQ(error_of("route.replace",
                       {{"vrf", "contoso"}, {"prefix", "10.0.0.0/8"}, {"action", "blackhole"}}),
              "no error");
    EXPECT_EQ(router_.tables["contoso"].begin()->second.action, RouteAction::kBlackhole);
    EXPECT_EQ(error_of("route.delete", {{"vrf", "contoso"}, {"prefix", "10.0.0.0/8"}}), "no error");
    EXPECT_TRUE(router_.tables["contoso"].empty());
}

TEST_F(JsonRpcTest, AWrongRouteIsNamedByItsField) {
    const auto field = [&](const Json& more) {
        Json route{{"vrf", "contoso"}, {"prefix", "10.0.0.0/8"}};
        route.update(more);
        return error_of("route.add", route);
    };
    EXPECT_EQ(field(Json::object()), "-32602 via");
    EXPECT_EQ(field({{"via", Json::array()}}), "-32602 via");
    EXPECT_EQ(field({{"via", {"172.16.0.1", "172.16.0"}}}), "-32602 via[1]");
    EXPECT_EQ(field({{"via", {"172.16.0.1@0"}}}), "-32602 via[0]");
    EXPECT_EQ(field({{"via", {"172.16.0.1@"}}}), "-32602 via[0]");
    EXPECT_EQ(field({{"via", {"172.16.0.1@1x"}}}), "-32602 via[0]");
    EXPECT_EQ(field({{"via", Json::array({{{"weight", 1}}})}}), "-32602 via[0].address");
    EXPECT_EQ(field({{"via", Json::array({{{"addres", 1}}})}}), "-32602 via[0].addres");
    EXPECT_EQ(field({{"via", {7}}}), "-32602 via[0]");
    EXPECT_EQ(field({{"via", {"172.16.0.1"}}, {"action", "prohibit"}}), "-32602 via");
    EXPECT_EQ(field({{"action", "explode"}}), "-32602 action");
    EXPECT_TRUE(router_.tables["contoso"].empty());
}

Json batch_of(const Json& routes) {
    return {{"vrf", "contoso"}, {"routes", routes}};
}

TEST_F(JsonRpcTest, ABatchOfRoutesIsAllOrNothing) {
    const Json good{{"prefix", "10.1.0.0/16"}, {"via", {"172.16.0.1"}}};
    const Json absent{{"op", "delete"}, {"prefix", "10.2.0.0/16"}};
    const Json answer = call("route.batch", batch_of({good, absent}));
    EXPECT_EQ(answer["error"]["code"], -32001);
    EXPECT_EQ(answer["error"]["data"]["field"], "routes[1].prefix");
    EXPECT_EQ(answer["error"]["data"]["errors"][0]["index"], 1);
    EXPECT_TRUE(router_.tables["contoso"].empty());
    EXPECT_EQ(call("route.batch", batch_of(Json::array({good})))["result"]["added"], 1);
    EXPECT_EQ(router_.tables["contoso"].size(), 1U);
}

TEST_F(JsonRpcTest, AllThatIsWrongWithABatchIsToldInOneGo) {
    const Json routes{{{"prefix", "10.1.0.0/16"}, {"via", {"x"}}},
                      {{"prefix", "10.1.0.1/16"}, {"via", {"172.16.0.1"}}},
                      {{"prefix", "10.3.0.0/16"}, {"via", {"172.16.0.1"}}},
                      {{"via", {"172.16.0.1"}}},
                      7,
                      {{"prefix", "10.4.0.0/16"}, {"op", "ad"}}};
    const Json errors = call("route.batch", batch_of(routes))["error"]["data"]["errors"];
    std::vector<std::string> fields;
    for (const Json& error : errors) fields.push_back(error["field"]);
    EXPECT_EQ(fields, (std::vector<std::string>{"routes[0].via[0]", "routes[1].prefix",
                                                "routes[3].prefix", "routes[4]", "routes[5].op"}));
    EXPECT_TRUE(router_.tables["contoso"].empty());
}

TEST_F(JsonRpcTest, PagesAddUpToTheWholeList) {
    Json routes = Json::array();
    for (int i = 0; i < 250; ++i) {
        routes.push_back(
            {{"prefix", "10." + std::to_string(i) + ".0.0/16"}, {"via", {"172.16.0.1"}}});
    }
    ASSERT_EQ(call("route.batch", batch_of(routes))["result"]["added"], 250);
    const struct {
        const char* method;
        std::size_t rows;
        std::uint64_t limit;
    } kLists[] = {{"route.list", 250, 7},   {"neighbour.list", 5, 2}, {"attachment.list", 4, 1},
                  {"circuit.list", 2, 1},   {"counter.list", 4, 3},   {"group.list", 1, 1},
                  {"route.list", 250, 250}, {"vrf.list", 2, 1},       {"route.list", 250, 999'999}};
    for (const auto& list : kLists) {
        std::size_t rows = 0;
        Json params{{"limit", list.limit}};
        Json result;
        do {
            result = call(list.method, params)["result"];
            ASSERT_LE(result["items"].size(), list.limit) << list.method;
            rows += result["items"].size();
            params["after"] = result["next"];
            ASSERT_LE(rows, list.rows) << list.method;
        } while (!result["next"].is_null());
        EXPECT_EQ(rows, list.rows) << list.method;
    }
}

TEST_F(JsonRpcTest, ErrorsOfAConfigurationComeWithTheirLines) {
    router_.config_errors = {{3, 9, "circuits[0].s-tag", "S-tag 10 is taken"},
                             {7, 1, "ports", "is missing"}};
    const Json error = call("config.apply", {{"yaml", "x"}})["error"];
    EXPECT_EQ(error["code"], -32602);
    EXPECT_EQ(error["data"]["field"], "circuits[0].s-tag");
    EXPECT_EQ(error["data"]["line"], 3);
    EXPECT_EQ(error["data"]["errors"].size(), 2U);
    EXPECT_EQ(error["data"]["errors"][1]["line"], 7);
}

TEST_F(JsonRpcTest, CheckingAConfigurationDoesNotApplyIt) {
    EXPECT_EQ(call("config.check", {{"yaml", "x"}})["result"]["changes"].size(), 1U);
    EXPECT_EQ(router_.applied_yaml, "");
    EXPECT_EQ(call("config.apply", {{"yaml", "x"}})["result"]["changes"].size(), 1U);
    EXPECT_EQ(router_.applied_yaml, "x");
}

TEST_F(JsonRpcTest, LinksAttachmentsAndPortsAreSet) {
    EXPECT_EQ(call("link.set", {{"state", "down"}, {"link", "primary"}})["result"]["changed"],
              (Json{"adatum/private/primary", "contoso/private/primary"}));
    EXPECT_EQ(call("attachment.set",
                   {{"state", "up"}, {"name", "adatum/private/primary"}})["result"]["changed"],
              Json::array({"adatum/private/primary"}));
    EXPECT_EQ(
        call("link.set",
             {{"state", "up"}, {"link", "primary"}, {"circuit", "contoso"}})["result"]["changed"],
        Json::array({"contoso/private/primary"}));
    EXPECT_EQ(error_of("link.set", {{"state", "sideways"}, {"link", "primary"}}), "-32602 state");
}

// Every method answers with a result when it gets the parameters that it requires.
TEST_F(JsonRpcTest, EveryMethodOfTheTableWorks) {
    const Json samples{{"name", "contoso/private/primary"},
                       {"vrf", "contoso"},
                       {"address", "10.0.0.1"},
                       {"prefix", "10.0.0.0/8"},
                       {"via", {"172.16.0.1"}},
                       {"routes", Json::array()},
                       {"state", "up"},
                       {"link", "primary"},
                       {"sync", 1},
                       {"acl", "microsoft-in"},
                       {"source", "10.0.0.1"},
                       {"destination", "10.0.0.2"},
                       {"yaml", ""}};
    for (const Method& method : methods()) {
        Json params = Json::object();
        for (const Parameter& parameter : method.parameters) {
            const std::string name(parameter.name);
            if (parameter.presence == Presence::kRequired || name == "via")
                params[name] = samples.at(name);
        }
        if (method.name == "circuit.get") params["name"] = "contoso";
        if (method.name == "fpm.get") params["name"] = "edge";
        if (method.name == "nat.clear") params["scope"] = "all";
        if (method.name == "route.delete")
            call("route.replace",
                 {{"vrf", "contoso"}, {"prefix", "10.0.0.0/8"}, {"action", "blackhole"}});
        EXPECT_TRUE(call(method.name, params).contains("result"))
            << method.name << ' ' << call(method.name, params);
    }
}

// Lines that are valid calls but for a few bytes: each gets one answer, which is JSON.
TEST_F(JsonRpcTest, MutatedCallsAreAnsweredOrIgnored) {
    const std::uint64_t seed = std::random_device()();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    const std::string line =
        R"({"jsonrpc":"2.0","id":1,"method":"route.batch","params":{"vrf":"contoso",)"
        R"("routes":[{"op":"replace","prefix":"10.0.0.0/8",)"
        R"("via":["172.16.0.1@2",{"address":"1.2.3.4"}]}]}})";
    for (int round = 0; round < 20'000; ++round) {
        std::string mutated = line;
        for (std::uint64_t i = random() % 4; i < 4; ++i) {
            const std::size_t at = random() % mutated.size();
            switch (random() % 3) {
                case 0:
                    mutated[at] = static_cast<char>(random());
                    break;
                case 1:
                    mutated.erase(at, random() % 9);
                    break;
                default:
                    mutated.insert(at, mutated.substr(random() % mutated.size(), 9));
                    break;
            }
        }
        const auto handled = handle(mutated);
        if (handled.answer.empty()) continue;
        ASSERT_FALSE(Json::parse(handled.answer, nullptr, false).is_discarded()) << mutated;
    }
}

}  // namespace
}  // namespace causeway
