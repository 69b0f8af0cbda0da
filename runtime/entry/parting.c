// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "parting.h"

#include "count.h"
#include "start.h"

#include "backend/call.h"
#include "collect/task.h"
#include "store/arena.h"

#include <pthread.h>
#include <string.h>

// Events that were put off. With more of them the child begins its profile in the handler: a hook
// that it then goes back to may fail it.
enum { MOST_EVENTS = 256 };

static struct ms_put_off events[MOST_EVENTS];
static uint32_t event_count;
static bool hurries;

static __typeof__(ms_shared) of_parent;

static void keep_for_child(void) {
    if (ms_slow_is_interrupted())
        of_parent = ms_shared;
}

// From now on as any other child at its first event.
static void end(void) {
    memset(&ms_shared, 0, sizeof ms_shared);
    ms_tls.special &= ~MS_SPECIAL_PARTING;
    ms_store(&ms_life, (unsigned)MS_LIFE_ON);
}

// A parent that was parting itself has such a copy already.
static bool go_on_as_parent(unsigned life) {
    if (!ms_slow_is_interrupted() || (life != MS_LIFE_PARTING && !ms_arena_copy()))
        return false;
    ms_backend_free_lock();
    ms_shared = of_parent;
    ms_tls.special |= MS_SPECIAL_PARTING;
    ms_store(&ms_life, (unsigned)MS_LIFE_PARTING);
    return true;
}

static void part_from_parent(void) {
    static struct memscope_profile_header nobodys;
    unsigned life = ms_load(&ms_life);
    if ((life != MS_LIFE_ON && life != MS_LIFE_PARTING) || ms_shared.header)
        return;
    event_count = 0; // of its parent, both
    hurries = false;
    ms_tls.top = ms_no_tasks_top; // wiped, it would fit the parent's tasks, which are zero now
    if (go_on_as_parent(life))
        return;
    end();
    ms_arena_forget();
    ms_shared.header = &nobodys;
}

void ms_watch_forks(void) {
    (void)pthread_atfork(keep_for_child, NULL, part_from_parent);
}

bool ms_parting_goes_on(void) {
    if (ms_slow_is_interrupted() && event_count < MOST_EVENTS && !hurries)
        return true;
    end();
    return false;
}

// A handler may interrupt this: its event has the next place.
bool ms_parting_put_off(void *block, uint64_t record, size_t bytes, bool is_free) {
    if (!(ms_tls.special & MS_SPECIAL_PARTING))
        return false;
    uint32_t at = event_count++;
    if (at < MOST_EVENTS)
        events[at] = (struct ms_put_off){block, record, bytes, is_free};
    return true;
}

void ms_parting_make_up(void) {
    uint32_t count = event_count < MOST_EVENTS ? event_count : MOST_EVENTS;
    for (uint32_t i = 0; i < count; i++)
        ms_note_put_off(&events[i]);
    event_count = 0;
}

bool ms_parting_hurries(void) {
    hurries = ms_load(&ms_life) == MS_LIFE_PARTING && event_count > 0;
    return hurries;
}
