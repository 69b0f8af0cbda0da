// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a profile is, rather than what it counts.

#include "report.h"

#include "environment.h"
#include "sampling.h"

#include <inttypes.h>
#include <string.h>

static void put_text(FILE *out, const char *label, const char *text) {
    fprintf(out, "%-16s", label);
    if (text)
        ms_put_clean(out, text);
    else
        fputs("(unknown)", out);
    fputc('\n', out);
}

static void put_file(FILE *out, const struct ms_profile *profile, const char *status) {
    const struct memscope_profile_header *header = ms_profile_header(profile);
    const struct ms_profile_health *health = ms_profile_health(profile);
    char text[MS_NUMBER_BYTES], version[sizeof header->runtime_version + 1] = {0};
    memcpy(version, header->runtime_version, sizeof header->runtime_version);
    put_text(out, "file", ms_profile_path(profile));
    fprintf(out, "%-16s%" PRIu32 ", %s in %s records\n", "format", header->version,
            ms_format_bytes(health->file_bytes, text),
            ms_format_count(health->records, (char[MS_NUMBER_BYTES]){0}));
    put_text(out, "written by", version[0] ? version : NULL);
    if (health->pending_records + health->cut_records > 0 || health->gap_bytes > 0)
        fprintf(out, "%-16s%" PRIu64 " records half written, %" PRIu64 " cut, %s never written\n",
                "recovered", health->pending_records, health->cut_records,
                ms_format_bytes(health->gap_bytes, text));
    if (status)
        put_text(out, "incomplete", status);
    const struct {
        uint32_t flag;
        const char *meaning;
    } flags[] = {
        {MEMSCOPE_PROFILE_FORKED, "began in a fork child"},
        {MEMSCOPE_PROFILE_MEMORY_ONLY, "the disk was full: part of it never reached the file"},
        {MEMSCOPE_PROFILE_STATIC, "hooks only: nothing could be interposed"},
        {MEMSCOPE_PROFILE_STRICT, "strict"},
        {MEMSCOPE_PROFILE_COPY, "a copy that the program made of its profile"},
        {MEMSCOPE_PROFILE_NO_DETECT, "auto_detect=0"},
    };
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (header->flags & flags[i].flag)
            put_text(out, "flag", flags[i].meaning);
}

static void put_process(FILE *out, const struct ms_summary *summary) {
    const struct ms_profile *profile = summary->profile;
    const struct memscope_profile_header *header = ms_profile_header(profile);
    enum ms_process_state state = ms_profile_process_state(profile);
    uint64_t duration_ns = ms_profile_duration_ns(profile, state);
    char text[MS_NUMBER_BYTES];
    put_text(out, "command", ms_profile_string(profile, header->command_ref));
    put_text(out, "executable", ms_profile_string(profile, header->executable_ref));
    fprintf(out, "%-16s%" PRIu64 ", started by %" PRIu64 ", user %" PRIu64 "\n", "process",
            header->pid, header->parent_pid, header->uid);
    fprintf(out, "%-16s%s\n", "started", ms_format_time(header->start_realtime_ns, text));
    fprintf(out, "%-16s", "state");
    ms_put_end(out, header, state);
    if (duration_ns > 0)
        fprintf(out, " after %s", ms_format_duration(duration_ns, text));
    fprintf(out, "\n%-16s%s: ", "strategy", ms_strategy_name(header->strategy));
    ms_put_evidence(out, summary);
    fprintf(out, "\n%-16s", "environment");
    ms_put_environment(out, summary);
    fputc('\n', out);
    const char *options = ms_profile_string(profile, header->options_ref);
    put_text(out, "options", options && *options ? options : "(none)");
    put_text(out, "allocator", ms_profile_string(profile, header->allocator_ref));
    if (header->inherited_frees > 0)
        fprintf(out, "%-16s%s frees of blocks inherited over fork\n", "",
                ms_format_count(header->inherited_frees, text));
    if (header->unknown_frees > 0)
        fprintf(out, "%-16s%s frees of blocks never recorded\n", "",
                ms_format_count(header->unknown_frees, text));
}

static void put_modules(FILE *out, const struct ms_summary *summary) {
    uint32_t main_ref = ms_profile_header(summary->profile)->main_module_ref;
    for (size_t i = 0; i < summary->module_count; i++) {
        const struct ms_module *module = &summary->modules[i];
        fprintf(out, "%-16s", module->id == main_ref ? "main module" : "module");
        ms_put_clean(out, module->path ? module->path : "(unknown)");
        fputs("  ", out);
        if (module->build_id_length > 0)
            ms_put_build_id(out, module);
        else
            fputs("(no build id)", out);
        fputc('\n', out);
    }
    for (size_t i = 0; i < summary->unit_count; i++)
        put_text(out, "no debug info", summary->units_without_debug_info[i].name);
}

static void put_losses(FILE *out, const struct ms_summary *summary) {
    const struct memscope_profile_header *header = ms_profile_header(summary->profile);
    char text[MS_NUMBER_BYTES];
    if (!ms_has_losses(summary))
        put_text(out, "losses", "none");
    for (unsigned i = 0; i < MEMSCOPE_LOSS_SLOTS; i++)
        if (header->losses[i] != 0)
            fprintf(out, "%-16s%s %s\n", "losses", ms_format_count(header->losses[i], text),
                    ms_loss_text(i) ? ms_loss_text(i) : "of a loss that a newer runtime knows");
}

memscope_status ms_report_info(const struct ms_summary *summary,
                               const struct ms_report_options *options, FILE *out) {
    put_file(out, summary->profile, options->status);
    put_process(out, summary);
    put_modules(out, summary);
    put_losses(out, summary);
    return ms_put_tracking_facts(out, summary);
}
