// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reports of a profile, written to a stream. Called by tools/ and tests. Everything that comes from
// the profile is cleaned before it is written: no control character and no broken UTF-8 gets out.
// Text has sizes in decimal units (1 kB = 1000 B), exact up to 99,999 B; JSON is always exact.

#ifndef MEMSCOPE_REPORT_REPORT_H
#define MEMSCOPE_REPORT_REPORT_H

#include <stdio.h>

#include <profile/contexts.h>

struct ms_report_options {
    enum ms_order order;
    size_t top;                         // sites in the table, 0 = all
    bool colour;                        // terminal escapes
    unsigned width;                     // columns; longer lines of the table are cut, 0 = never
    const char *status;                 // what the reader had to say of the profile, NULL = nothing
    const struct ms_contexts *contexts; // NULL = nothing is said of stacks
    size_t stacks; // in text: the largest stack of as many sites; of one site's detail as many
    bool plumbing; // in stacks of text: the frames of executors one by one
};

// A place to filter by: FILE:LINE, where FILE is any number of trailing parts of a path.
struct ms_place {
    char *file;
    uint32_t line;
};

// INVALID_ARGUMENT where the text has no FILE or no LINE of 1 or more. `file` is to be freed.
memscope_status ms_place_parse(const char *text, struct ms_place *place_out);
// Whether the call or the user frame of the site is there; line 0 = anywhere in the file. *line_out
// is the line of the one that is.
bool ms_place_matches(const struct ms_place *place, const struct ms_summary *summary,
                      const struct ms_site *site, uint32_t *line_out);

// The summary that fits a screen.
memscope_status ms_report_text(const struct ms_summary *summary,
                               const struct ms_report_options *options, FILE *out);
// All there is of the sites at a place, with each thread's share; NOT_FOUND where none is there
// (nothing is written).
memscope_status ms_report_site(const struct ms_summary *summary, const struct ms_place *place,
                               const struct ms_report_options *options, FILE *out);
// A table of types, containers or variables; `by` has a name (ms_by_name).
memscope_status ms_report_by(const struct ms_summary *summary, enum ms_by by,
                             const struct ms_report_options *options, FILE *out);
// docs/report.schema.json describes it. `place` NULL = all sites, and NOT_FOUND as above.
memscope_status ms_report_json(const struct ms_summary *summary, const struct ms_place *place,
                               const struct ms_report_options *options, FILE *out);
// What the profile is: file, process, modules with build ids, options, losses.
memscope_status ms_report_info(const struct ms_summary *summary,
                               const struct ms_report_options *options, FILE *out);

// --- pieces, shared by the reports -------------------------------------------------------------

#define MS_NUMBER_BYTES 32

// "1,204 B", "41.3 MB"
const char *ms_format_bytes(uint64_t bytes, char text_out[MS_NUMBER_BYTES]);
// "80,112"
const char *ms_format_count(uint64_t count, char text_out[MS_NUMBER_BYTES]);
// "412 ms", "8.2 s", "3 min 12 s", "2 h 05 min"
const char *ms_format_duration(uint64_t ns, char text_out[MS_NUMBER_BYTES]);
// "2026-11-23T00:12:28.123Z"
const char *ms_format_time(uint64_t realtime_ns, char text_out[MS_NUMBER_BYTES]);
// "98.7%"; "-" of nothing
const char *ms_format_percent(uint64_t part, uint64_t whole, char text_out[MS_NUMBER_BYTES]);

// Writes text without control characters (as \xNN) and with broken UTF-8 replaced.
void ms_put_clean(FILE *out, const char *text);
// The same as a new string; NULL = out of memory.
char *ms_clean(const char *text);
// The columns a clean text takes.
size_t ms_columns(const char *text);

// Writes one line, cut to `width` columns (0 = whole).
void ms_put_line(FILE *out, unsigned width, const char *line);
// The same for a line that is made piece by piece: write to ms_line_begin's stream (NULL = out of
// memory), which ms_line_end closes.
struct ms_line {
    FILE *stream;
    char *text;
    size_t bytes;
};
FILE *ms_line_begin(struct ms_line *line);
memscope_status ms_line_end(struct ms_line *line, FILE *out, unsigned width);

const char *ms_base_name(const char *path);
// Writes a function's name as people say it: without parameters, "parse()"; long template
// arguments as "<…>".
void ms_put_function(FILE *out, const char *function);
// Writes a type's name, long template arguments as "<…>"; "?" of NULL.
void ms_put_type(FILE *out, const char *type);
// "session.cc:88 parse()  <- read_request()", "list.c:12 push() (head: struct node)", "io.cc:7
// read() [operator new in vector.h:9]": the user frame first, then where the call itself is; with
// as much of the path as tells files apart.
void ms_put_row_site(FILE *out, const struct ms_summary *summary, const struct ms_row *row);
// "session.cc:88", "libz.so.1+0x1f2c", or what else is known
void ms_put_place(FILE *out, const struct ms_summary *summary, const struct ms_site *site);
// "session.cc:88", with as much of the path as tells files apart
void ms_put_file_line(FILE *out, const struct ms_summary *summary, const char *file, uint32_t line);
void ms_put_build_id(FILE *out, const struct ms_module *module);
// "exited 0", "killed by SIGSEGV", ...
void ms_put_end(FILE *out, const struct memscope_profile_header *header,
                enum ms_process_state state);
// "threads: main 12.0 MB peak · worker×3 (pool.cc:41) ...", threads grouped by spawn site.
void ms_put_threads(FILE *out, const struct ms_summary *summary);
// Why the strategy is what it is, one sentence.
void ms_put_evidence(FILE *out, const struct ms_summary *summary);
bool ms_has_losses(const struct ms_summary *summary);

#endif
