// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The reader of profiles: opens a .msp file of any content, and sums it up. Called by report/,
// tools/ and tests, from one thread per object. Nothing here prints or exits. Strings that the
// functions return live as long as the object they came from and hold whatever bytes the profile
// holds: clean them before they meet a terminal.

#ifndef MEMSCOPE_PROFILE_PROFILE_H
#define MEMSCOPE_PROFILE_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include <memscope/profile_format.h>
#include <memscope/status.h>

// More than this of one file is never read: profiles are aggregated, a few MB at most.
#define MS_PROFILE_LIMIT_BYTES (UINT64_C(1) << 30)

#define MS_MESSAGE_BYTES 512

struct ms_profile;

// What the reader met on its way. A profile with a status other than OK still holds all that could
// be read.
struct ms_profile_health {
    uint64_t file_bytes;      // of the file as it lies there
    uint64_t stored_bytes;    // of it, what the header says has storage
    uint64_t missing_bytes;   // stored_bytes the file does not have (cut short)
    uint64_t records;         // whole and sound
    uint64_t pending_records; // being written when the writer stopped, or right now
    uint64_t gap_bytes;       // taken but never written (a writer was killed)
    uint64_t cut_records;     // the file ends inside them
    uint64_t damaged;         // places that hold neither a record nor a gap, or a wrong ref
    uint64_t damage_offset;   // of the first
};

// Opens and checks a profile. On OK, TRUNCATED and CORRUPT *profile_out may hold a profile (NULL if
// nothing could be read; always one on OK), to be closed with ms_profile_close. On any status but
// OK `message` says what is wrong, naming file and offset.
memscope_status ms_profile_open(const char *path, struct ms_profile **profile_out,
                                char message[MS_MESSAGE_BYTES]);

// The same for bytes in memory, which are copied; `name` stands in messages.
memscope_status ms_profile_from_memory(const char *name, const void *bytes, size_t byte_count,
                                       struct ms_profile **profile_out,
                                       char message[MS_MESSAGE_BYTES]);

void ms_profile_close(struct ms_profile *profile);

const char *ms_profile_path(const struct ms_profile *profile);
const struct memscope_profile_header *ms_profile_header(const struct ms_profile *profile);
const struct ms_profile_health *ms_profile_health(const struct ms_profile *profile);

// The text of a string record; NULL where the ref names none.
const char *ms_profile_string(const struct ms_profile *profile, uint32_t ref);

// --- is the process still there? ---------------------------------------------------------------

enum ms_process_state {
    MS_PROCESS_RUNNING,   // it has the profile mapped right now
    MS_PROCESS_EXITED,    // exit_code holds
    MS_PROCESS_SIGNALED,  // exit_signal holds
    MS_PROCESS_VANISHED,  // ended without a word: SIGKILL, a fatal signal, or replaced by exec
    MS_PROCESS_COPIED,    // it ran when this copy of its profile was made (backend.h)
    MS_PROCESS_UNCERTAIN, // a process of this pid exists, but may not be looked at
};

enum ms_process_state ms_profile_process_state(const struct ms_profile *profile);

// Nanoseconds the process has run; 0 if nobody wrote down its end.
uint64_t ms_profile_duration_ns(const struct ms_profile *profile, enum ms_process_state state);

uint64_t ms_clock_ns(clockid_t clock);

// --- the summary -------------------------------------------------------------------------------

// Of estimates: how far from what was, squared, in the mean. Sums of independent ones add up.
struct ms_variance {
    double allocations, bytes, live_bytes, at_peak_bytes;
};

// Sums over cells. All saturate instead of wrapping; what a reader in mid-flight would see as
// negative is 0.
struct ms_counts {
    uint64_t allocations;
    uint64_t bytes;
    uint64_t frees; // by any thread
    uint64_t freed_bytes;
    uint64_t live_allocations;
    uint64_t live_bytes;
    uint64_t at_peak_bytes; // alive at the process's peak
    uint64_t temporary;
    uint64_t peak_bytes;       // the highest live bytes: at least this,
    uint64_t peak_error_bytes; // at most this much more
    // Of sites, contexts and types: some of it stands for blocks that were not sampled. The peak is
    // then not known, and peak_bytes no more than what is known to have been alive at one time.
    bool is_estimated;
    struct ms_variance variance; // all 0 where it is exact
};

struct ms_module {
    uint32_t id;    // its ref
    uint32_t first; // index of the first module of the same build ID (of the same path without one)
    uint32_t ordinal; // by which contexts name it; 0 = they do not
    const char *path;
    uint32_t build_id_length; // 0 = has none
    const uint8_t *build_id;
    uint64_t map_start, map_end, load_bias;
};

struct ms_frame {
    const char *function; // NULL = unknown
    const char *file;     // NULL = unknown
    uint32_t line, column;
};

// All site records of the same place in the source (or in a module) are one site.
struct ms_site {
    uint32_t id; // ref of its first record; 0 = events whose site is unknown
    uint16_t kind;
    bool foreign;
    const char *function, *file, *type_name, *variable_name; // NULL = unknown
    char *container;     // "std::vector<Order>" that the block is part of; NULL = none known
    uint32_t type_bytes; // of one object of the type; 0 = unknown
    bool type_from_source, variable_from_source; // else of the debug info: see source/source.h
    uint32_t line, column;                       // 0 = unknown
    uint32_t inlined_count;
    const struct memscope_profile_frame *inlined; // innermost caller first
    const struct ms_module *module;               // of foreign sites; NULL = unknown
    uint64_t module_offset;
    // Of foreign sites, and of those in wrappers, once ms_summary_resolve has named them.
    const struct ms_frame *symbols;
    uint32_t symbol_count;
    uint32_t own_frame_count; // of `symbols` those that are the call's own; 0 = all: see below
    // The first frame outside of functions that only pass allocations on, and of the library's
    // that such a one was called by; 0 = the call itself, the frame count = it is not known.
    uint32_t wrapper_frames;
    uint32_t user_depth; // the frame that its author recognises: see ms_site_frame; or MS_NO_FRAME
    struct ms_counts counts;
};

#define MS_NO_FRAME UINT32_MAX

struct ms_thread {
    uint32_t id; // its ref
    uint32_t index;
    int32_t thread_id;
    char name[17];
    const struct ms_site *spawn_site; // NULL = unknown
    uint32_t state;                   // enum memscope_thread_state
    uint64_t start_ns, end_ns;
    uint32_t shared_by; // threads that used the record one after another
    struct ms_counts counts;
};

// What one thread allocated at one site.
struct ms_cell {
    const struct ms_site *site;
    const struct ms_thread *thread; // NULL = of no thread
    struct ms_counts counts;
};

struct ms_unit { // a translation unit without debug info
    const char *name;
    const struct ms_module *module;
};

struct ms_summary {
    const struct ms_profile *profile;
    struct ms_counts total;     // exact, as those of threads and tasks
    struct ms_counts all_sites; // their sum: the total, or an estimate of it
    // Blocks and bytes that stand for others, and those that others stand for.
    uint64_t sampled_blocks, sampled_bytes, unsampled_blocks, unsampled_bytes;
    // Of all_sites.
    uint64_t bytes_with_site; // a compile-time site
    uint64_t bytes_foreign;   // module + offset only
    uint64_t bytes_unplaced;  // in a signal handler inside a hook, no room for a cell, or unknown
    uint64_t thread_count;    // threads that ran, the first included
    size_t site_count, threads_length, cell_count, module_count, unit_count, file_count;
    struct ms_site *sites;     // by id
    struct ms_thread *threads; // by index
    struct ms_cell *cells;     // by site, then thread; one for each pair
    struct ms_module *modules;
    struct ms_unit *units_without_debug_info;
    const char **files;            // that reports name, each once
    struct ms_symbols *symbols;    // owns the names that llvm-symbolizer told
    struct ms_tasks *tasks;        // see tasks.h
    uint32_t *place;               // the reader's own: which of the above a record became
    struct ms_estimate *estimates; // the reader's own: of sampled cells
    size_t estimate_count;
};

// Whether sites, contexts and types are estimates, at least in part: some blocks are in totals
// alone.
static inline bool ms_sites_are_estimated(const struct ms_summary *summary) {
    return summary->unsampled_blocks > 0 || summary->unsampled_bytes > 0 ||
           summary->all_sites.is_estimated;
}

// A copy of the text that lives as long as the summary; equal ones are there once. NULL = no
// memory.
const char *ms_summary_text(struct ms_summary *summary, const char *text);

// OK or OUT_OF_MEMORY. The profile must outlive the summary.
memscope_status ms_summary_create(const struct ms_profile *profile,
                                  struct ms_summary **summary_out);
void ms_summary_destroy(struct ms_summary *summary);

// "std::vector<Order>" where the function is a member of a container of the standard library;
// without arguments that nobody writes (allocators). To be freed; NULL = it is none.
char *ms_container_of(const char *function);
// "Order" of "std::allocator<Order>::allocate(unsigned long)"; of a node its element. To be freed;
// NULL = it is no such function, or the type has no one spelling.
char *ms_element_of(const char *function);

// Frame 0 is the call, frame 1 the place its function was inlined into, and so on outwards. The
// frames of a foreign site are what its module's symbols say; without them it has none. A site in a
// wrapper or in the library has one for each function up to the one that called these, inlined or
// not: own_frame_count tells how many were inlined into one another.
uint32_t ms_site_frame_count(const struct ms_site *site);
struct ms_frame ms_site_frame(const struct ms_summary *summary, const struct ms_site *site,
                              uint32_t depth);

// Whether a source file belongs to the system or the compiler: /usr/include, /usr/lib, c++/12/, ...
// The user frame of a site is the innermost one in another file.
bool ms_is_system_file(const char *file);

// The wrapper through which the site was called, the outermost; NULL = none.
const char *ms_site_wrapper(const struct ms_summary *summary, const struct ms_site *site);

// The frame to call a site by: the user frame, else the outermost; MS_NO_FRAME where it has none.
uint32_t ms_site_shown_depth(const struct ms_site *site);

enum ms_order {
    MS_ORDER_LIVE,
    MS_ORDER_PEAK,
    MS_ORDER_AT_PEAK,
    MS_ORDER_TOTAL,
    MS_ORDER_CALLS,
    MS_ORDER_TEMPORARY,
};

uint64_t ms_counts_weight(const struct ms_counts *counts, enum ms_order order);

// Sites from most to least; the same profile always gives the same order. `sites_out` has
// summary->site_count entries. The caller allocates.
void ms_summary_order(const struct ms_summary *summary, enum ms_order order,
                      const struct ms_site **sites_out);

// Sites that differ in what stands inside system headers only: they look alike to their author.
struct ms_row {
    const struct ms_site *site; // the first of them
    size_t site_count;
    struct ms_counts counts; // their sum
};

// What else sites are put together by: the type (by its size, too), the container, the variable and
// its type, or all that tells what a block is. Sites of which that is not known are one row.
enum ms_by {
    MS_BY_TYPE,
    MS_BY_CONTAINER,
    MS_BY_VARIABLE,
    MS_BY_KIND, // type and container
};
const char *ms_by_name(enum ms_by by); // of those that people ask for; NULL = no more

// Whether two sites are in one row.
bool ms_sites_look_alike(const struct ms_summary *summary, const struct ms_site *a,
                         const struct ms_site *b);

// The same of ms_summary_rows_by.
bool ms_sites_are_alike_by(const struct ms_site *a, const struct ms_site *b, enum ms_by by);

// Rows from most to least. `rows_out` has summary->site_count entries. OK or OUT_OF_MEMORY.
memscope_status ms_summary_rows(const struct ms_summary *summary, enum ms_order order,
                                struct ms_row *rows_out, size_t *count_out);
// The same, put together otherwise. The sums of all rows are those of all_sites.
memscope_status ms_summary_rows_by(const struct ms_summary *summary, enum ms_by by,
                                   enum ms_order order, struct ms_row *rows_out, size_t *count_out);

// --- names of foreign sites --------------------------------------------------------------------

struct ms_resolve_options {
    const char *symbolizer; // path or name of llvm-symbolizer; NULL = the first that is installed
    unsigned timeout_ms;    // for all of it
    // Folders with files of debug info, or with modules that moved; ends with NULL. NULL = none.
    const char *const *debug_paths;
    // Called after each site; NULL = not.
    void (*progress)(void *context, size_t done_count, size_t all_count);
    void *context;
};

// Asks llvm-symbolizer for function, file and line of each foreign site, the heaviest first, in a
// process that ends before this returns; what was asked before is known. A site stays without
// frames where that cannot be told: no symbolizer, no time left, or the file at the module's path
// is not the one that was loaded (its build ID differs; without one, it is younger than the
// process). A site in a wrapper becomes a site for each of its callers. OK, NOT_FOUND (no
// symbolizer) or OUT_OF_MEMORY.
memscope_status ms_summary_resolve(struct ms_summary *summary,
                                   const struct ms_resolve_options *options);

// The file that has a module's debug info: its own, if that is the one that was loaded, or the one
// that was parted from it. To be freed. NULL = neither is there, or no memory.
char *ms_module_debug_file(const struct ms_summary *summary, const struct ms_module *module,
                           const char *const *debug_paths);
// The same of its own file alone.
char *ms_module_own_file(const struct ms_summary *summary, const struct ms_module *module);

// --- names -------------------------------------------------------------------------------------

const char *ms_kind_name(uint32_t kind);
const char *ms_strategy_name(uint32_t strategy);    // "GlobalDirect"
const char *ms_environment_kind(uint32_t strategy); // "SingleThreaded"
const char *ms_status_text(memscope_status status); // as in status.def
const char *ms_loss_key(unsigned index);            // NULL past the last
const char *ms_loss_text(unsigned index);
const char *ms_order_name(enum ms_order order); // NULL past the last
const char *ms_process_state_name(enum ms_process_state state);

// The end of a demangled function's name proper, before its parameters, and in *begin_out its
// start, behind the return type that the names of templates have.
const char *ms_function_name(const char *name, const char **begin_out);
// Makes of a demangled name in Rust's older mangling what its author wrote; others stay.
void ms_unescape_rust(char *name);
// The bytes of "operator" and of its own characters where they begin at `at` of `name`, else 0.
size_t ms_operator_length(const char *name, const char *at);
// Writes the text from `begin` to `end` with template arguments as "<…>", zero-terminated; returns
// its bytes, at most MS_FOLDED_BYTES with the zero.
size_t ms_fold_template_arguments(const char *begin, const char *end, char *folded_out);
#define MS_FOLDED_BYTES(bytes) (3 * (bytes) + 4) // "<>" is the worst: it becomes 5
// Whether two names are the same function's: parameters, the return type and what a compiler added
// for its copies of the function do not count where only one of them tells. NULL is nobody's name.
bool ms_same_function(const char *a, const char *b);

// --- finding profiles --------------------------------------------------------------------------

// The folder for profiles of programs run on their own: memscope-<uid>/ in the temporary folder.
void ms_default_folder(char *path_out, size_t path_bytes);

// The profile that began last, of those in the current folder (memscope.*.msp) and the default
// folder. pid 0 = of any process. NOT_FOUND if there is none. *path_out is for the caller to free.
memscope_status ms_find_newest(pid_t pid, char **path_out);

// The file that process `pid` has mapped as its profile.
memscope_status ms_find_mapped(pid_t pid, char **path_out);

struct ms_found {
    char *path;
    uint64_t pid, parent_pid, start_realtime_ns;
    uint32_t state;
};

struct ms_found_list {
    struct ms_found *items;
    size_t count, capacity;
};

// Adds every profile in `folder` that began at or after `since_realtime_ns`. `prefix` and `suffix`
// narrow the file names, "" = any. A folder that cannot be read adds nothing. Copies
// (MEMSCOPE_PROFILE_COPY) are left out. OUT_OF_MEMORY or OK.
memscope_status ms_find_in_folder(const char *folder, const char *prefix, const char *suffix,
                                  uint64_t since_realtime_ns, struct ms_found_list *list);
void ms_found_list_free(struct ms_found_list *list);

// --- the one thing the reader's side ever writes -----------------------------------------------

struct ms_exit_facts {
    uint32_t state; // MEMSCOPE_PROCESS_EXITED or _SIGNALED
    int32_t exit_code;
    int32_t exit_signal;
    uint64_t end_monotonic_ns;
};

// Writes down how a process ended, if the profile does not say it yet. Only its parent, after
// wait, may call this. OK also where the runtime had already said it.
memscope_status ms_profile_write_exit(const char *path, const struct ms_exit_facts *facts);

#endif
