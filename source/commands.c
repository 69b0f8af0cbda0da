// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#define _GNU_SOURCE // asprintf, canonicalize_file_name
#include "commands.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COMMANDS_NAME "compile_commands.json"
#define COMMANDS_MOST (256 << 20) // bytes

static uint64_t hash_of(const struct ms_command *command) {
    uint64_t hash = 14695981039346656037u; // FNV-1a
    const char *texts[] = {command->folder, command->file, NULL};
    for (size_t i = 0; texts[i]; i++)
        for (const char *at = texts[i]; *at; at++)
            hash = (hash ^ (unsigned char)*at) * 1099511628211u;
    for (char **word = command->arguments; word && *word; word++)
        for (const char *at = *word;; at++) { // the zero byte, too: it parts the words
            hash = (hash ^ (unsigned char)*at) * 1099511628211u;
            if (!*at)
                break;
        }
    return hash;
}

static char *absolute(const char *folder, const char *file) {
    char *path;
    if (asprintf(&path, "%s%s%s", *file == '/' ? "" : folder, *file == '/' ? "" : "/", file) < 0)
        return NULL;
    char *real = canonicalize_file_name(path);
    if (!real)
        return path;
    free(path);
    return real;
}

// The words of one entry, from `arguments` or `command`; in a block of their own.
static char **words_of(const json_t *entry) {
    const json_t *list = json_object_get(entry, "arguments");
    const char *text = json_string_value(json_object_get(entry, "command"));
    if (!json_is_array(list))
        return text ? ms_split_command(text) : NULL;
    size_t count = json_array_size(list), bytes = (count + 1) * sizeof(char *);
    for (size_t i = 0; i < count; i++) {
        if (!json_is_string(json_array_get(list, i)))
            return NULL;
        bytes += json_string_length(json_array_get(list, i)) + 1;
    }
    char **words = malloc(bytes);
    char *to = words ? (char *)(words + count + 1) : NULL;
    for (size_t i = 0; words && i < count; i++) {
        words[i] = to;
        strcpy(to, json_string_value(json_array_get(list, i)));
        to += strlen(to) + 1;
    }
    if (words)
        words[count] = NULL;
    return words;
}

static char **copied(char **words) {
    size_t count = 0;
    while (words[count])
        count++;
    char **copies = calloc(count + 1, sizeof *copies);
    for (size_t i = 0; copies && i < count; i++)
        copies[i] = strdup(words[i]);
    return copies;
}

// What is wrong with an entry; NULL = nothing.
static const char *take_entry(const json_t *entry, struct ms_command *command) {
    const char *folder = json_string_value(json_object_get(entry, "directory"));
    const char *file = json_string_value(json_object_get(entry, "file"));
    char **words = json_is_object(entry) ? words_of(entry) : NULL;
    if (!folder || !file || *folder != '/' || !*file) {
        free(words);
        return folder && *folder != '/' ? "\"directory\" is no absolute path"
                                        : "no \"directory\" or \"file\"";
    }
    if (!words)
        return "no \"command\" or \"arguments\", or a quote that is not closed";
    char **arguments = ms_choose_arguments(words, &command->reason);
    command->folder = strdup(folder);
    command->file = absolute(folder, file);
    command->arguments = arguments ? copied(arguments) : NULL;
    free(arguments);
    free(words);
    if (!command->folder || !command->file || (!command->arguments && !command->reason))
        return "out of memory";
    command->hash = hash_of(command);
    return NULL;
}

static void free_command(struct ms_command *command) {
    for (char **word = command->arguments; word && *word; word++)
        free(*word);
    free(command->arguments);
    free(command->folder);
    free(command->file);
}

static int compare_files(const void *left, const void *right) {
    const struct ms_command *a = left, *b = right;
    int difference = strcmp(a->file, b->file);
    return difference ? difference : (a->hash > b->hash) - (a->hash < b->hash);
}

static void sort(struct ms_commands *commands) {
    size_t kept = 0;
    qsort(commands->items, commands->count, sizeof *commands->items, compare_files);
    for (size_t i = 0; i < commands->count; i++) {
        if (kept > 0 && compare_files(&commands->items[kept - 1], &commands->items[i]) == 0)
            free_command(&commands->items[i]);
        else
            commands->items[kept++] = commands->items[i];
    }
    commands->count = kept;
}

static json_t *load(const char *path, memscope_status *status_out, char **message_out) {
    struct stat status;
    json_error_t error;
    *status_out = MEMSCOPE_NOT_FOUND;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) ||
        status.st_size > COMMANDS_MOST) {
        if (asprintf(message_out, "%s: %s", path,
                     fd < 0 ? strerror(errno) : "not a file, or too large") < 0)
            *message_out = NULL;
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    FILE *file = fdopen(fd, "r");
    json_t *whole = file ? json_loadf(file, 0, &error) : NULL;
    if (file)
        fclose(file);
    *status_out = MEMSCOPE_INVALID_ARGUMENT;
    int length = 0;
    if (!whole)
        length = asprintf(message_out, "%s:%d: %s", path, file ? error.line : 0,
                          file ? error.text : "out of memory");
    else if (!json_is_array(whole))
        length = asprintf(message_out, "%s: no list of compile commands", path);
    if (length < 0)
        *message_out = NULL;
    if (length == 0)
        return whole;
    json_decref(whole);
    return NULL;
}

memscope_status ms_commands_read(const char *path, struct ms_commands **commands_out,
                                 char **message_out) {
    struct stat status;
    char *inside = NULL;
    memscope_status result;
    *message_out = NULL;
    *commands_out = NULL;
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
        if (asprintf(&inside, "%s/" COMMANDS_NAME, path) < 0)
            return MEMSCOPE_OUT_OF_MEMORY;
        path = inside;
    }
    json_t *whole = load(path, &result, message_out);
    struct ms_commands *commands = whole ? calloc(1, sizeof *commands) : NULL;
    const char *wrong = NULL;
    if (commands) {
        commands->path = strdup(path);
        commands->items = calloc(json_array_size(whole) + 1, sizeof *commands->items);
        for (size_t i = 0; commands->items && i < json_array_size(whole) && !wrong; i++) {
            wrong = take_entry(json_array_get(whole, i), &commands->items[commands->count++]);
            if (wrong && asprintf(message_out, "%s: entry %zu: %s", path, i + 1, wrong) < 0)
                *message_out = NULL;
        }
        if (!wrong && commands->items && commands->path) {
            sort(commands);
            *commands_out = commands;
            commands = NULL;
            result = MEMSCOPE_OK;
        }
        ms_commands_free(commands);
    }
    json_decref(whole);
    free(inside);
    return result;
}

void ms_commands_free(struct ms_commands *commands) {
    if (!commands)
        return;
    for (size_t i = 0; i < commands->count; i++)
        free_command(&commands->items[i]);
    free(commands->items);
    free(commands->path);
    free(commands);
}

const struct ms_command *ms_commands_of(const struct ms_commands *commands, const char *file,
                                        size_t *count_out) {
    size_t low = 0, high = commands->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(commands->items[middle].file, file) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    size_t end = low;
    while (end < commands->count && strcmp(commands->items[end].file, file) == 0)
        end++;
    *count_out = end - low;
    return end > low ? &commands->items[low] : NULL;
}

static bool is_ours(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode) &&
           (status.st_uid == geteuid() || status.st_uid == 0) &&
           (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

char *ms_commands_find(const char *folder) {
    char *at = canonicalize_file_name(folder), *path = NULL;
    bool found = false;
    while (at && !found) {
        static const char *const below[] = {"", "/build"};
        for (size_t i = 0; i < 2 && !found; i++) {
            free(path);
            if (asprintf(&path, "%s%s/" COMMANDS_NAME, at, below[i]) < 0)
                path = NULL;
            found = path && is_ours(path);
        }
        char *slash = strrchr(at, '/');
        if (!slash || !*at)
            break;
        *slash = '\0'; // "" is the root
    }
    free(at);
    if (found)
        return path;
    free(path);
    return NULL;
}
