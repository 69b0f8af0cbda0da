// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// fork inside a coroutine: both go on in it, resume others that were suspended, start new ones.
// Each prints its books into the file of its name; the child has no books of what was before.

#include "task.h"

#include <sys/wait.h>
#include <unistd.h>

static std::coroutine_handle<> waiting;
static unsigned inherited; // books that are the parent's, in the child

static task waits(book *parent) {
    page me(__func__, parent, "spawned");
    void *p = me.alloc(900);
    co_await parked{&waiting};
    me.free(p);
    me.free(me.alloc(40));
}

static task fresh(book *parent, const char *edge, int bytes) {
    page me(__func__, parent, edge);
    void *p = me.alloc(bytes);
    co_await std::suspend_never{};
    me.free(p);
}

static task forks(book *parent, bool *is_child) {
    page me(__func__, parent, "spawned");
    void *p = me.alloc(800);
    pid_t child = fork();
    *is_child = child == 0;
    if (child == 0)
        inherited = books::count; // and nobody that the child's profile knows awaits:
    for (int i = 0; i < 5; i++)
        if (child == 0)
            co_await fresh(books::root(), "spawned", 100 + i);
        else
            co_await fresh(me, "awaits", 100 + i);
    me.free(me.alloc(16));
    me.free(p);
    if (child > 0) {
        int status;
        waitpid(child, &status, 0);
        if (status != 0)
            abort();
    }
}

static task starts_new(book *parent, int bytes) {
    page me(__func__, parent, "spawned");
    void *p = me.alloc(bytes);
    co_await fresh(me, "awaits", 2 * bytes);
    me.free(p);
}

int main() {
    bool is_child = false;
    task suspended = waits(books::root());
    suspended.run();
    task one = forks(books::root(), &is_child);
    one.run();
    waiting.resume();
    if (is_child) { // what it inherited is not its own: these are
        for (int i = 0; i < 3; i++)
            starts_new(books::root(), 1000 + i).run();
        for (unsigned i = 0; i < inherited; i++)
            books::all[i].function = nullptr;
        books::transfer_count = 0;
    }
    if (!freopen(is_child ? "child.out" : "parent.out", "w", stdout))
        abort();
    books::print();
}
