// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A request of one user, and the session it belongs to.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

struct Request {
    uint32_t user;
    std::string text; // "PATH?key=value&key=value…"
    std::vector<char> payload;
};

struct Session {
    std::string path;
    std::unordered_map<std::string, std::string> fields;
    std::vector<char> payload;
};

// What is noted about a request that was refused.
struct AuditEntry {
    uint32_t user;
    char reason[44];
};

// Takes the payload over. Returns nothing, and takes nothing, where the text is malformed.
std::unique_ptr<Session> parse(Request &request);

// The newest sessions of the users, up to a number of them. Used by one thread.
class SessionCache {
  public:
    explicit SessionCache(size_t capacity);

    void put(uint32_t user, std::unique_ptr<Session> session);
    size_t size() const;

  private:
    size_t capacity_;
    size_t next_ = 0;
    std::vector<uint32_t> order_; // users by age, a ring
    std::unordered_map<uint32_t, std::unique_ptr<Session>> sessions_;
};

// Notes refused requests and writes them out in batches.
class AuditLog {
  public:
    void note(uint32_t user, const char *reason);
    size_t written() const;

  private:
    void flush();

    std::vector<AuditEntry *> pending_;
    size_t written_ = 0;
};
