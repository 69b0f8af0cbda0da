// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// memscope types: what the sites allocate whose type the debug info does not tell, from the source.

#include "profile_command.h"
#include "source_types.h"

#include <getopt.h>
#include <signal.h>
#include <stdlib.h>

#define TIMEOUT_MS 3600000u
#define ROW "%11s  "

static const struct ms_option options[] = {
    MS_COMMANDS_OPTION,
    MS_DEBUG_PATH_OPTION,
    {0},
};

static bool take_option(const struct ms_verb *verb, int letter, void *context) {
    struct ms_source_request *request = context;
    (void)verb;
    if (letter == 'p')
        request->commands = optarg;
    return letter == 'p';
}

static memscope_status put_site(const struct ms_summary *summary,
                                const struct ms_source_site *found) {
    struct ms_row row = {.site = found->site, .site_count = 1, .counts = found->site->counts};
    char at_peak[MS_NUMBER_BYTES];
    struct ms_line line;
    FILE *out = ms_line_begin(&line);
    if (!out)
        return MEMSCOPE_OUT_OF_MEMORY;
    fprintf(out, ROW, ms_format_bytes(row.counts.at_peak_bytes, at_peak));
    ms_put_row_site(out, summary, &row);
    if (found->reason) {
        fputs(": ? ", out);
        ms_put_clean(out, found->reason);
    }
    return ms_line_end(&line, stdout, ms_terminal_width());
}

// How much of the heap has a type now.
static void put_sum(const struct ms_summary *summary, const struct ms_source_result *result) {
    uint64_t named = 0;
    char percent[MS_NUMBER_BYTES];
    for (size_t i = 0; i < summary->site_count; i++)
        if (summary->sites[i].type_name)
            named += summary->sites[i].counts.bytes;
    printf("%zu of %zu sites without a type have one from the source", result->named_count,
           result->site_count);
    printf("; %s of all bytes have a type\n",
           ms_format_percent(named, summary->total.bytes, percent));
}

static int show(const struct ms_verb *verb, const struct ms_opened *opened,
                const struct ms_source_result *result) {
    memscope_status status = MEMSCOPE_OK;
    if (result->site_count > 0)
        printf(ROW "SITE (VARIABLE: TYPE)\n", "AT PEAK");
    for (size_t i = 0; i < result->site_count && status == MEMSCOPE_OK; i++)
        status = put_site(opened->summary, &result->sites[i]);
    if (status != MEMSCOPE_OK)
        return ms_fail(verb, "%s: %s", opened->path, ms_status_text(status));
    if (result->site_count > 0)
        put_sum(opened->summary, result);
    else
        puts("every site has a type");
    return ms_finish_output(verb);
}

static int run(const struct ms_verb *verb, int argc, char **argv) {
    struct ms_source_request request = {.all_notes = true, .timeout_ms = TIMEOUT_MS};
    struct ms_source_result result;
    struct ms_command command;
    struct ms_opened opened;
    int code;
    signal(SIGPIPE, SIG_IGN);
    if (!ms_parse_command(verb, argc, argv, take_option, &request, &command))
        return command.exit_code;
    if (!ms_open_named(verb, command.name, &opened))
        return MS_EXIT_FAILED;
    ms_resolve_sites(verb, opened.summary);
    memscope_status status = ms_source_types(verb, opened.summary, &request, &result);
    if (status == MEMSCOPE_OK)
        code = show(verb, &opened, &result);
    else if (status == MEMSCOPE_NOT_FOUND)
        code = ms_fail(verb,
                       "no compile_commands.json in the folders of the sources and of the profile "
                       "or above them, or in build/ there; -p names one");
    else if (status == MEMSCOPE_INVALID_ARGUMENT)
        code = MS_EXIT_FAILED; // it was told
    else
        code = ms_fail(verb, "%s: %s", opened.path, ms_status_text(status));
    if (opened.message[0])
        code = MS_EXIT_FAILED;
    ms_source_result_free(&result);
    ms_opened_close(&opened);
    return code;
}

const struct ms_verb ms_verb_types = {
    .name = "types",
    .usage = "[options] [FILE|PID]",
    .purpose = "find types in the source, for sites whose debug info has none",
    .options = options,
    .run = run,
};
