// SPDX-License-Identifier: Apache-2.0
#include "control/bfddp/session_map.h"

#include <utility>

namespace causeway {

void BfddpSessionMap::begin_connection(std::uint64_t now_ns) {
    ++generation_;
    connection_ = Connection::kReplaying;
    has_spoken_ = false;
    connected_ns_ = heard_ns_ = now_ns;
    by_id_.clear();  // this bfdd may count anew
    output_.clear();
}

void BfddpSessionMap::end_connection() {
    connection_ = Connection::kNone;
    output_.clear();
}

void BfddpSessionMap::hear(const BfddpMessage& message, std::uint64_t now_ns) {
    has_spoken_ = true;
    heard_ns_ = now_ns;
    if (const auto* added = std::get_if<BfddpAdd>(&message)) {
        add(added->session);
    } else if (const auto* deleted = std::get_if<BfddpDelete>(&message)) {
        remove(deleted->session);
    } else if (const auto* request = std::get_if<BfddpCountersRequest>(&message)) {
        answer_counters(*request);
    } else if (const auto* echo = std::get_if<BfddpEcho>(&message)) {
        counters_.count(BfddpEvent::kEcho);
        if (echo->kind == BfddpEchoKind::kReply) return;
        BfddpEcho reply = *echo;
        reply.kind = BfddpEchoKind::kReply;
        write_bfddp(reply, output_);
    } else {
        counters_.count(BfddpEvent::kWrongDirection);
    }
}

void BfddpSessionMap::add(const BfddpSession& session) {
    if (session.path == BfddpPath::kSeveralHops)
        return counters_.count(BfddpEvent::kMultihop, session.id.value());
    const Key key = key_of(session);
    auto place = sessions_.find(key);
    // A number that was another session's is taken from it, and so is the session.
    if (const auto named = by_id_.find(session.id); named != by_id_.end() && named->second != place)
        close(named->second);
    if (place == sessions_.end()) {
        const Result<BfdDiscriminator> ours = host_.open(session);
        if (!ours) return counters_.count(BfddpEvent::kRefused, session.id.value());
        place = sessions_.emplace(key, Entry{.session = session, .ours = {}}).first;
        bind(place, *ours);
        counters_.count(BfddpEvent::kSessionAdded);
    } else {
        unname(place);
        const Result<BfdDiscriminator> ours = host_.update(place->second.ours, session);
        if (ours) bind(place, *ours);
        counters_.count(BfddpEvent::kSessionUpdated);
    }
    place->second.session = session;
    place->second.generation = generation_;
    by_id_.emplace(session.id, place);
    report(place->second);  // bfdd takes each session for down until it is told
}

void BfddpSessionMap::remove(const BfddpSession& session) {
    const auto found = sessions_.find(key_of(session));
    if (found == sessions_.end())
        return counters_.count(BfddpEvent::kUnknownSession, session.id.value());
    counters_.count(BfddpEvent::kSessionDeleted);
    close(found);
}

BfddpSessionMap::Key BfddpSessionMap::key_of(const BfddpSession& session) {
    return {session.local, session.remote, session.interface};
}

// Its number may be another's already, if it was told of by a bfdd before.
void BfddpSessionMap::unname(Sessions::iterator place) {
    const auto named = by_id_.find(place->second.session.id);
    if (named != by_id_.end() && named->second == place) by_id_.erase(named);
}

void BfddpSessionMap::unbind(Sessions::iterator place) {
    const auto bound = by_ours_.find(place->second.ours);
    if (bound != by_ours_.end() && bound->second == place) by_ours_.erase(bound);
}

// One session of the host's is one of bfdd's: who had it before, under another interface's name,
// loses it, and is no more.
void BfddpSessionMap::bind(Sessions::iterator place, BfdDiscriminator ours) {
    unbind(place);
    place->second.ours = ours;
    const auto [bound, is_new] = by_ours_.emplace(ours, place);
    if (is_new) return;
    const Sessions::iterator before = std::exchange(bound->second, place);
    unname(before);
    sessions_.erase(before);
}

BfddpSessionMap::Sessions::iterator BfddpSessionMap::close(Sessions::iterator place) {
    host_.close(place->second.ours);
    unname(place);
    unbind(place);
    return sessions_.erase(place);
}

// Also where there is no such session: bfdd waits for it and does nothing else.
void BfddpSessionMap::answer_counters(const BfddpCountersRequest& request) {
    counters_.count(BfddpEvent::kCountersAsked);
    BfddpTraffic traffic{.message_id = request.message_id, .id = request.id};
    if (const auto found = by_id_.find(request.id); found != by_id_.end()) {
        traffic.control = host_.traffic(found->second->second.ours);
    } else {
        counters_.count(BfddpEvent::kUnknownSession, request.id.value());
    }
    write_bfddp(traffic, output_);
}

void BfddpSessionMap::state_changed(BfdDiscriminator ours) {
    const auto found = by_ours_.find(ours);
    if (found != by_ours_.end()) report(found->second->second);
}

void BfddpSessionMap::host_changed() {
    for (auto place = sessions_.begin(); place != sessions_.end(); ++place) {
        const BfdDiscriminator before = place->second.ours;
        const Result<BfdDiscriminator> ours = host_.update(before, place->second.session);
        if (ours && *ours == before) continue;
        if (ours) bind(place, *ours);
        report(place->second);
    }
}

void BfddpSessionMap::report(const Entry& entry) {
    if (connection_ == Connection::kNone || entry.generation != generation_) return;
    BfddpState state = host_.state(entry.ours);
    state.id = entry.session.id;
    write_bfddp(state, output_);
    counters_.count(BfddpEvent::kStateSent);
}

void BfddpSessionMap::tick(std::uint64_t now_ns) {
    if (connection_ != Connection::kReplaying || !has_spoken_) return;
    if (now_ns - heard_ns_ < options_.quiet_ns) return;
    if (now_ns - connected_ns_ < options_.sweep_after_ns) return;
    connection_ = Connection::kSettled;
    for (auto place = sessions_.begin(); place != sessions_.end();) {
        if (place->second.generation == generation_) {
            ++place;
            continue;
        }
        counters_.count(BfddpEvent::kSessionSwept);
        place = close(place);
    }
}

}  // namespace causeway
