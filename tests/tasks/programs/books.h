// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What each task of a test program itself knows of its memory, printed as JSON at the end; the
// books lie in static memory. A coroutine opens its own, and allocates and frees through it:
//
//   task work(book *parent) {
//       page me(__func__, parent, "awaits");
//       void *p = me.alloc(100);
//       co_await other(me);
//       me.free(p);
//   }
//
// Its label in the profile is function#number.

#ifndef BOOKS_H
#define BOOKS_H

#include <memscope/memscope.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

struct book {
    const char *function; // null = a thread's root task
    const book *parent;   // null = a root task
    const char *edge;
    const char *state; // of one that is alive at the end
    char label[40];
    bool has_frame, is_peak_exact, is_labelled, is_ended;
    std::atomic<uint64_t> allocations, bytes, frees, freed_bytes, peak;
    uint64_t outlived;

    inline void *alloc(size_t bytes);
    inline void free(void *p);
    // What somebody else allocates in this task, or frees: exceptions, library objects.
    inline void counts(size_t bytes);
    inline void counts_freed(book *owner, size_t bytes);
    inline void label_current();
    inline void close();
};

struct block { // what alloc() puts in front
    book *owner;
    size_t bytes;
};

struct transfer {
    const book *from, *to;
    uint64_t bytes;
};

namespace books {

// An exception as libstdc++ allocates it: behind a header; thrown again, another header.
struct failure {
    int number;
};
enum { THROWN = 128 + sizeof(failure), RETHROWN = 112 };

inline book all[4096];
inline std::atomic<unsigned> count;
inline transfer transfers[8192];
inline std::atomic<unsigned> transfer_count;

// A task that may never run: its book is opened where it is created, and has no label.
inline book *open(const char *function, const book *parent, const char *edge) {
    unsigned number = count++;
    if (number >= sizeof all / sizeof all[0])
        abort();
    book *b = &all[number];
    b->function = function;
    b->parent = parent;
    b->edge = edge;
    b->state = "suspended";
    b->has_frame = true;
    b->is_peak_exact = true;
    snprintf(b->label, sizeof b->label, "%s#%u", function ? function : "thread", number);
    return b;
}

// Of a thread: what it frees and allocates outside of tasks.
inline book *root() {
    static thread_local book *mine = open(nullptr, nullptr, "root");
    return mine;
}

inline void print() {
    const char *comma = "";
    printf("{\"tasks\": [");
    for (unsigned i = 0; i < count; i++) {
        const book &b = all[i];
        if (!b.function)
            continue;
        printf(
            "%s\n{\"label\": \"%s\", \"function\": \"%s\", \"parent\": \"%s\", \"edge\": \"%s\", "
            "\"state\": \"%s\", \"has_frame\": %s, \"is_peak_exact\": %s, \"is_labelled\": %s, "
            "\"is_ended\": %s, ",
            comma, b.label, b.function, b.parent && b.parent->function ? b.parent->label : "thread",
            b.edge, b.state, b.has_frame ? "true" : "false", b.is_peak_exact ? "true" : "false",
            b.is_labelled ? "true" : "false", b.is_ended ? "true" : "false");
        printf("\"allocations\": %lu, \"bytes\": %lu, \"frees\": %lu, \"freed_bytes\": %lu, "
               "\"peak\": %lu, \"outlived\": %lu}",
               b.allocations.load(), b.bytes.load(), b.frees.load(), b.freed_bytes.load(),
               b.peak.load(), b.outlived);
        comma = ",";
    }
    printf("],\n\"transfers\": [");
    comma = "";
    for (unsigned i = 0; i < transfer_count; i++) {
        const transfer &t = transfers[i];
        printf("%s\n{\"from\": \"%s\", \"to\": \"%s\", \"bytes\": %lu}", comma,
               t.from->function ? t.from->function : "thread",
               t.to->function ? t.to->function : "thread", t.bytes);
        comma = ",";
    }
    printf("]}\n");
}

} // namespace books

inline void book::counts(size_t size) {
    allocations++;
    bytes += size;
    uint64_t live = bytes - freed_bytes;
    if (live > peak)
        peak = live;
}

inline void book::counts_freed(book *owner, size_t size) {
    if (owner != this) {
        unsigned number = books::transfer_count++;
        if (number >= sizeof books::transfers / sizeof books::transfers[0])
            abort();
        books::transfers[number] = {owner, this, size};
    }
    owner->frees++;
    owner->freed_bytes += size;
}

// Not inlined: the optimizer may not take a pair away that the book has counted.
__attribute__((noinline)) inline void *book::alloc(size_t size) {
    if (size < sizeof(block))
        abort();
    block *b = static_cast<block *>(malloc(size));
    b->owner = this;
    b->bytes = size;
    counts(size);
    return b;
}

// `this` frees what any task has allocated.
__attribute__((noinline)) inline void book::free(void *p) {
    block *b = static_cast<block *>(p);
    counts_freed(b->owner, b->bytes);
    ::free(p);
}

inline void book::label_current() {
    is_labelled = true;
    if (memscope_task_set_label(label) == MEMSCOPE_MISTAKE)
        abort();
}

inline void book::close() {
    is_ended = true;
    outlived = bytes - freed_bytes;
}

// A coroutine's hold on its book: from its first run to its end.
class page {
  public:
    page(const char *function, const book *parent, const char *edge)
        : page(books::open(function, parent, edge)) {
    }
    explicit page(book *mine) : b(mine) {
        b->label_current();
    }
    ~page() {
        b->close();
    }
    page(const page &) = delete;
    page &operator=(const page &) = delete;
    operator book *() const {
        return b;
    }
    book *operator->() const {
        return b;
    }
    void *alloc(size_t bytes) {
        return b->alloc(bytes);
    }
    void free(void *p) {
        b->free(p);
    }

  private:
    book *b;
};

#endif
