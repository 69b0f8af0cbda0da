// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// memscope flags: what a makefile adds to its flags to build with MemScope.

#include "tool.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct ms_option options[] = {
    {"cflags", 'c', false, NULL, "for compiling C"},
    {"cxxflags", 'x', false, NULL, "for compiling C++"},
    {"ldflags", 'l', false, NULL, "for linking an executable (not a shared object)"},
    {"clang", 'm', false, "N", "the plugin for clang N (default: the one the build chose)"},
    {0},
};

static void put_joined(const char *prefix, const char *path) {
    char word[4200];
    snprintf(word, sizeof word, "%s%s", prefix, path);
    ms_put_shell_word(stdout, word);
    putchar(' ');
}

// -gline-tables-only comes first: a -g of the user's, later on the line, wins.
static void put_compile(const char *plugin) {
    fputs("-gline-tables-only ", stdout);
    put_joined("-fplugin=", plugin);
    put_joined("-fpass-plugin=", plugin);
    fputs("-mllvm -memscope-runtime=linked", stdout);
}

static void put_link(const char *library) {
    // A static allocator of the program's: no call of malloc is left that would take it.
    fputs("-Wl,-u,malloc -Wl,--whole-archive ", stdout);
    put_joined("", library);
    // Not quoted: cc $(memscope flags --ldflags) would keep the quotes. No file begins like that.
    fputs("-Wl,--no-whole-archive -Wl,--export-dynamic-symbol=__memscope_* -lpthread -ldl", stdout);
}

static bool is_there(const struct ms_verb *verb, const char *path) {
    if (access(path, R_OK) == 0)
        return true;
    ms_fail(verb, "%s is missing", path);
    return false;
}

static int show(const struct ms_verb *verb, bool compile, bool link, const char *major) {
    char folder[4000], plugin[4096], library[4096];
    if (!ms_library_folder(folder, sizeof folder))
        return ms_fail(verb, "cannot tell where MemScope is installed");
    if (major)
        snprintf(plugin, sizeof plugin, "%s/llvm-%s/memscope.so", folder, major);
    else
        snprintf(plugin, sizeof plugin, "%s/memscope.so", folder);
    snprintf(library, sizeof library, "%s/libmemscope_rt.a", folder);
    if ((compile && !is_there(verb, plugin)) || (link && !is_there(verb, library)))
        return MS_EXIT_FAILED;
    if (compile)
        put_compile(plugin);
    if (link) {
        fputs(compile ? " " : "", stdout);
        put_link(library);
    }
    putchar('\n');
    return ms_finish_output(verb);
}

static int run(const struct ms_verb *verb, int argc, char **argv) {
    bool compile = false, link = false;
    const char *major = NULL;
    int letter;
    while ((letter = ms_next_option(verb, argc, argv)) != -1) {
        switch (letter) {
        case 'c':
        case 'x':
            compile = true;
            break;
        case 'l':
            link = true;
            break;
        case 'm':
            if (!*optarg || strspn(optarg, "0123456789") != strlen(optarg) || strlen(optarg) > 4)
                return ms_usage(verb, "--clang: \"%s\" is not a major version", optarg);
            major = optarg;
            break;
        case 'h':
            return ms_finish_output(verb);
        default:
            return MS_EXIT_USAGE;
        }
    }
    if (optind < argc)
        return ms_usage(verb, "takes no argument \"%s\"", argv[optind]);
    if (!compile && !link)
        return ms_usage(verb, "say which: --cflags, --cxxflags or --ldflags");
    return show(verb, compile, link, major);
}

const struct ms_verb ms_verb_flags = {
    .name = "flags",
    .usage = "--cflags|--cxxflags|--ldflags [--clang N]",
    .purpose = "print compiler or linker flags, for any makefile",
    .options = options,
    .run = run,
};
