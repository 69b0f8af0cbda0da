// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A flame graph as one SVG file that asks nobody for anything: style and script are inside. The
// same tree always gives the same bytes.
//
//   <g data-o="4000" data-v="500" data-d="2"><title>name, place, amount</title>
//     <rect x="…" y="…" width="…" height="15" fill="#…"/><text …>name</text></g>

#include "sampling.h"
#include "stack_views.h"

#include <inttypes.h>
#include <profile/sampling.h>
#include <stdlib.h>
#include <string.h>

#include "flame_colours.h"
#include "flame_parts.h" // made of flame.css and flame.js

#define WIDTH_PX 1200u
#define HEAD_PX 56u
#define FOOT_PX 44u
#define LEVEL_PX 16u
#define NARROWEST_PX_THOUSANDTHS 100u
#define CHARACTER_PX 7.3
#define LEGEND_COLUMNS 4u

struct flame {
    const struct ms_stack_tree *tree;
    const struct ms_flame_options *options;
    struct ms_flame_colours colours;
    uint64_t *begins; // by node, in the unit of the measure
    bool *drawn;
    uint32_t levels; // below the root, of what is drawn
    size_t left_out;
    uint64_t left_out_value;
    FILE *out;
};

static uint64_t value_of(const struct flame *flame, uint32_t node) {
    return flame->tree->nodes[node].values[flame->tree->options.by];
}

// Thousandths of a pixel.
static uint64_t place(const struct flame *flame, uint64_t value) {
    uint64_t whole = value_of(flame, 0);
    if (whole == 0 || value > whole)
        return WIDTH_PX * UINT64_C(1000);
    return (uint64_t)((unsigned __int128)value * WIDTH_PX * 1000 / whole);
}

static uint64_t width(const struct flame *flame, uint32_t node) {
    return place(flame, flame->begins[node] + value_of(flame, node)) -
           place(flame, flame->begins[node]);
}

// --- text --------------------------------------------------------------------------------------

// Clean text. Two code points of UTF-8 are none of XML.
static void put_xml(FILE *out, const char *text) {
    for (; *text; text++) {
        if (*text == '&')
            fputs("&amp;", out);
        else if (*text == '<')
            fputs("&lt;", out);
        else if (*text == '>')
            fputs("&gt;", out);
        else if (*text == '"')
            fputs("&quot;", out);
        else if (strncmp(text, "\xEF\xBF\xBE", 3) == 0 || strncmp(text, "\xEF\xBF\xBF", 3) == 0)
            text += fputs("\xEF\xBF\xBD", out) < 0 ? 0 : 2;
        else
            fputc(*text, out);
    }
}

static void put_clean_xml(FILE *out, const char *text) {
    char *clean = ms_clean(text);
    if (clean)
        put_xml(out, clean);
    free(clean);
}

static void put_amount(const struct flame *flame, uint64_t value) {
    char text[MS_NUMBER_BYTES], share[MS_NUMBER_BYTES];
    fprintf(flame->out, "%s%s, %s", ms_format_amount(value, false, flame->tree->is_estimated, text),
            ms_stack_measure_is_bytes(flame->tree->options.by) ? " B" : "",
            ms_format_percent(value, value_of(flame, 0), share));
}

// "serve() ×3"; to be freed
static char *name_of(const struct flame *flame, uint32_t node) {
    struct ms_line name;
    FILE *stream = ms_line_begin(&name);
    const struct ms_stack_node *at = &flame->tree->nodes[node];
    if (!stream)
        return NULL;
    if (node == 0)
        fputs("all", stream);
    else
        ms_put_step_name(stream, &flame->tree->steps[at->step]);
    if (at->repeats > 1)
        fprintf(stream, " ×%" PRIu32, at->repeats);
    if (fclose(stream) != 0) {
        free(name.text);
        return NULL;
    }
    return name.text;
}

static void put_title(const struct flame *flame, uint32_t node, const char *name) {
    const struct ms_step *step = node ? &flame->tree->steps[flame->tree->nodes[node].step] : NULL;
    FILE *out = flame->out;
    fputs("<title>", out);
    put_xml(out, name);
    fputc('\n', out);
    if (step && step->file) {
        put_clean_xml(out, step->file);
        if (step->line)
            fprintf(out, ":%" PRIu32, step->line);
        fputc('\n', out);
    }
    if (step && step->module && step->module->path) {
        put_clean_xml(out, step->module->path);
        fputc('\n', out);
    }
    put_amount(flame, value_of(flame, node));
    fputs("</title>", out);
}

// As much of the name as there is room for.
static void put_label(const struct flame *flame, const char *name, uint64_t width_thousandths) {
    double room = ((double)width_thousandths / 1000 - 4) / CHARACTER_PX;
    if (room < 3)
        return;
    bool fits = ms_columns(name) <= (size_t)room;
    char *part = strdup(name), *end = part;
    if (!part)
        return;
    for (size_t columns = fits ? SIZE_MAX : (size_t)room - 2; *end && columns > 0; columns--)
        for (end++; (*end & 0xC0) == 0x80; end++)
            ;
    *end = '\0';
    put_xml(flame->out, part);
    if (!fits)
        fputs("..", flame->out);
    free(part);
}

// --- frames ------------------------------------------------------------------------------------

// Where each begins, and whether it is wide enough to be seen.
static void lay_out(struct flame *flame) {
    const struct ms_stack_node *nodes = flame->tree->nodes;
    flame->drawn[0] = true;
    for (uint32_t parent = 0; parent < flame->tree->node_count; parent++) {
        uint64_t begin = flame->begins[parent];
        if (!flame->drawn[parent])
            continue;
        if (nodes[parent].depth > flame->levels)
            flame->levels = nodes[parent].depth;
        for (uint32_t node = nodes[parent].first; node != MS_NO_NODE; node = nodes[node].next) {
            flame->begins[node] = begin;
            begin += value_of(flame, node);
            flame->drawn[node] = width(flame, node) >= NARROWEST_PX_THOUSANDTHS;
            if (!flame->drawn[node] && value_of(flame, node) > 0) {
                flame->left_out++;
                flame->left_out_value += value_of(flame, node);
            }
        }
    }
}

static memscope_status put_frame(const struct flame *flame, uint32_t node) {
    const struct ms_stack_node *at = &flame->tree->nodes[node];
    uint64_t x = place(flame, flame->begins[node]), w = width(flame, node);
    uint32_t level = flame->options->icicle ? at->depth : flame->levels - at->depth;
    uint32_t y = HEAD_PX + level * LEVEL_PX;
    char *name = name_of(flame, node);
    if (!name)
        return MEMSCOPE_OUT_OF_MEMORY;
    fprintf(flame->out, "<g data-o=\"%" PRIu64 "\" data-v=\"%" PRIu64 "\" data-d=\"%" PRIu32 "\">",
            flame->begins[node], value_of(flame, node), at->depth);
    put_title(flame, node, name);
    fprintf(flame->out,
            "<rect x=\"%" PRIu64 ".%03u\" y=\"%" PRIu32 "\" width=\"%" PRIu64
            ".%03u\" height=\"%u\" fill=\"#%06x\"/>",
            x / 1000, (unsigned)(x % 1000), y, w / 1000, (unsigned)(w % 1000), LEVEL_PX - 1,
            ms_flame_colour(&flame->colours, flame->tree, node));
    fprintf(flame->out, "<text x=\"%" PRIu64 ".%03u\" y=\"%" PRIu32 "\">", (x + 3000) / 1000,
            (unsigned)(x % 1000), y + 12);
    put_label(flame, name, w);
    fputs("</text></g>\n", flame->out);
    free(name);
    return MEMSCOPE_OK;
}

// --- around them -------------------------------------------------------------------------------

static uint32_t frames_end(const struct flame *flame) {
    return HEAD_PX + (flame->levels + 1) * LEVEL_PX;
}

static uint32_t legend_rows(const struct flame *flame) {
    return (flame->colours.legend_count + LEGEND_COLUMNS - 1) / LEGEND_COLUMNS;
}

static void put_head(const struct flame *flame) {
    static const char *const orders[] = {
        [MS_STACKS_CALLEES] = "from callers to callees",
        [MS_STACKS_CALLERS] = "from callees to callers",
        [MS_STACKS_TASKS] = "by task and await chain",
    };
    const struct ms_stack_tree *tree = flame->tree;
    const struct ms_summary *summary = tree->contexts->summary;
    const struct memscope_profile_header *header = ms_profile_header(summary->profile);
    const char *executable = ms_profile_string(summary->profile, header->executable_ref);
    bool is_bytes = ms_stack_measure_is_bytes(tree->options.by);
    uint32_t height = frames_end(flame) + FOOT_PX + legend_rows(flame) * LEVEL_PX;
    FILE *out = flame->out;
    fprintf(out,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\" height=\"%" PRIu32
            "\" viewBox=\"0 0 %u %" PRIu32
            "\" data-width=\"%u\" data-unit=\"%s\" data-whole=\"%" PRIu64 "\">\n<style>\n",
            WIDTH_PX, height, WIDTH_PX, height, WIDTH_PX, is_bytes ? " B" : "", value_of(flame, 0));
    fwrite(flame_css, 1, sizeof flame_css, out);
    fprintf(out, "</style>\n<rect width=\"%u\" height=\"%" PRIu32 "\" fill=\"#fff\"/>\n", WIDTH_PX,
            height);
    fputs("<text id=\"title\" x=\"4\" y=\"20\">", out);
    put_clean_xml(out, executable ? ms_base_name(executable) : "(unknown program)");
    fprintf(out, " %" PRIu64 "</text>\n<text x=\"4\" y=\"40\">%s, %s: ", header->pid,
            ms_stack_measure_meaning(tree->options.by), orders[tree->options.view]);
    char text[MS_NUMBER_BYTES];
    bool about = tree->is_estimated;
    put_xml(out, ms_format_amount(value_of(flame, 0), false, about, text));
    fputs(is_bytes ? " B" : "", out);
    uint64_t whole = tree->whole[tree->options.by];
    if (value_of(flame, 0) < whole)
        fprintf(out, " of %s%s; the filters drop the rest",
                ms_format_amount(whole, false, about, text), is_bytes ? " B" : "");
    if (about)
        fprintf(out, "; estimated from samples, 95 of 100 such sums are off by less than %s%s",
                ms_format_error(ms_error_95(tree->nodes[0].variance), false, text) + strlen("±"),
                is_bytes ? " B" : "");
    fprintf(out,
            "</text>\n<text id=\"reset\" class=\"button off\" x=\"%u\" y=\"20\">Reset zoom</text>\n"
            "<text id=\"search\" class=\"button off\" x=\"%u\" y=\"20\">Search</text>\n"
            "<text id=\"found\" x=\"%u\" y=\"40\" text-anchor=\"end\"></text>\n<g id=\"frames\">\n",
            WIDTH_PX - 170, WIDTH_PX - 60, WIDTH_PX - 4);
}

static void put_legend_name(const struct flame *flame, const char *text) {
    struct ms_line name;
    FILE *stream = ms_line_begin(&name);
    if (stream) {
        ms_put_owner_name(stream, text);
        if (fclose(stream) == 0)
            put_label(flame, name.text, (WIDTH_PX / LEGEND_COLUMNS - 24) * UINT64_C(1000));
    }
    free(name.text);
}

static void put_foot(const struct flame *flame) {
    FILE *out = flame->out;
    char text[MS_NUMBER_BYTES];
    uint32_t y = frames_end(flame) + 14;
    fprintf(out, "</g>\n<text id=\"details\" x=\"4\" y=\"%" PRIu32 "\"></text>\n", y);
    if (flame->left_out > 0) {
        fprintf(out,
                "<text id=\"left-out\" x=\"4\" y=\"%" PRIu32 "\">%s frame%s narrower than 0.1 "
                "pixels left out: ",
                y + LEVEL_PX, ms_format_count(flame->left_out, text),
                flame->left_out == 1 ? "" : "s");
        put_amount(flame, flame->left_out_value);
        fputs("</text>\n", out);
    }
    for (uint32_t i = 0; i < flame->colours.legend_count; i++) {
        uint32_t x = 4 + i % LEGEND_COLUMNS * (WIDTH_PX / LEGEND_COLUMNS);
        uint32_t row = y + (2 + i / LEGEND_COLUMNS) * LEVEL_PX;
        fprintf(out,
                "<rect x=\"%" PRIu32 "\" y=\"%" PRIu32
                "\" width=\"12\" height=\"12\" fill=\"#%06x\"/><text x=\"%" PRIu32 "\" y=\"%" PRIu32
                "\">",
                x, row - 10, flame->colours.legend[i].colour, x + 17, row);
        put_legend_name(flame, flame->colours.legend[i].name);
        fputs("</text>\n", out);
    }
    fputs("<script><![CDATA[\n", out);
    fwrite(flame_js, 1, sizeof flame_js, out);
    fputs("]]></script>\n</svg>\n", out);
}

memscope_status ms_put_flame(const struct ms_stack_tree *tree,
                             const struct ms_flame_options *options, FILE *out) {
    uint64_t *begins = calloc(tree->node_count, sizeof *begins);
    bool *drawn = calloc(tree->node_count, sizeof *drawn);
    struct flame flame = {
        .tree = tree, .options = options, .begins = begins, .drawn = drawn, .out = out};
    memscope_status status = MEMSCOPE_OUT_OF_MEMORY;
    if (begins && drawn) {
        lay_out(&flame);
        ms_flame_colours_choose(&flame.colours, tree, drawn, options->by_task);
        put_head(&flame);
        status = MEMSCOPE_OK;
        uint32_t node = 0;
        do {
            if (drawn[node])
                status = put_frame(&flame, node);
            node = ms_stack_next(tree, node, drawn[node]);
        } while (node != MS_NO_NODE && status == MEMSCOPE_OK);
        put_foot(&flame);
    }
    free(begins);
    free(drawn);
    return status;
}
