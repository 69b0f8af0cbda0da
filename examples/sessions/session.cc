// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "session.h"

#include <cstring>

static void parse_fields(const std::string &text, size_t begin, size_t end, Session &session) {
    while (begin < end) {
        size_t stop = text.find('&', begin);
        if (stop == std::string::npos || stop > end)
            stop = end;
        size_t equals = text.find('=', begin);
        if (equals < stop)
            session.fields.emplace(text.substr(begin, equals - begin),
                                   text.substr(equals + 1, stop - equals - 1));
        begin = stop + 1;
    }
}

std::unique_ptr<Session> parse(Request &request) {
    const std::string &text = request.text;
    size_t query = text.find('?');
    if (query == std::string::npos)
        return nullptr;

    auto session = std::make_unique<Session>();
    session->path = text.substr(0, query);
    parse_fields(text, query + 1, text.size(), *session);
    session->payload = std::move(request.payload);
    return session;
}

SessionCache::SessionCache(size_t capacity) : capacity_(capacity) {
    order_.reserve(capacity);
}

void SessionCache::put(uint32_t user, std::unique_ptr<Session> session) {
    auto known = sessions_.find(user);
    if (known != sessions_.end()) {
        known->second = std::move(session);
        return;
    }
    if (order_.size() < capacity_) {
        order_.push_back(user);
    } else {
        sessions_.erase(order_[next_]);
        order_[next_] = user;
        next_ = (next_ + 1) % capacity_;
    }
    sessions_.emplace(user, std::move(session));
}

size_t SessionCache::size() const {
    return sessions_.size();
}

void AuditLog::note(uint32_t user, const char *reason) {
    auto *entry = new AuditEntry{user, {}};
    std::strncpy(entry->reason, reason, sizeof entry->reason - 1);
    pending_.push_back(entry);
    if (pending_.size() == 64)
        flush();
}

// The mistake that the report shows: the entries are forgotten here, never deleted.
void AuditLog::flush() {
    written_ += pending_.size();
    pending_.clear();
}

size_t AuditLog::written() const {
    return written_;
}
