// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// system_resources.json. The profile knows the process; what the kernel says of it and of the
// machine is asked only while it runs here, else it is null.

#include "memscope_rs_parts.h"

#include <string.h>

// The number of kB behind `key` in a file of lines "Key:   123 kB", in bytes; null = not told.
static json_t *kilobytes(const char *path, const char *key) {
    char line[256];
    json_t *value = json_null();
    FILE *file = path ? fopen(path, "re") : NULL;
    while (file && fgets(line, sizeof line, file)) {
        size_t length = strlen(key);
        if (strncmp(line, key, length) != 0 || line[length] != ':')
            continue;
        value = json_integer(strtoll(line + length + 1, NULL, 10) * 1024);
        break;
    }
    if (file)
        fclose(file);
    return value;
}

// The share of the last ten seconds that some task of the machine waited for memory.
static json_t *pressure(bool is_running) {
    double percent;
    json_t *value = json_null();
    FILE *file = is_running ? fopen("/proc/pressure/memory", "re") : NULL;
    if (file && fscanf(file, "some avg10=%lf", &percent) == 1)
        value = json_real(percent);
    if (file)
        fclose(file);
    return value;
}

static json_t *object_of(struct writer *writer, const char *key, json_t *value) {
    json_t *part = json_object();
    set(writer, part, key, value);
    return part;
}

static json_t *system_info(struct writer *writer, const struct ms_rs *rs) {
    const struct ms_profile *profile = rs->summary->profile;
    const struct memscope_profile_header *header = ms_profile_header(profile);
    json_t *part = json_object();
    set(writer, part, "pid", number(header->pid));
    set(writer, part, "process_state", json_string(ms_process_state_name(rs->state)));
    set(writer, part, "command", text_or_null(ms_profile_string(profile, header->command_ref)));
    set(writer, part, "executable",
        text_or_null(ms_profile_string(profile, header->executable_ref)));
    set(writer, part, "allocator", text_or_null(ms_profile_string(profile, header->allocator_ref)));
    set(writer, part, "threads", number(rs->summary->thread_count));
    return part;
}

static json_t *memory_stats(struct writer *writer, const struct ms_rs *rs) {
    const struct ms_counts *total = &rs->summary->total;
    bool is_running = rs->state == MS_PROCESS_RUNNING;
    char path[64];
    snprintf(path, sizeof path, "/proc/%" PRIu64 "/status",
             ms_profile_header(rs->summary->profile)->pid);
    const char *status = is_running ? path : NULL, *machine = is_running ? "/proc/meminfo" : NULL;
    json_t *part = json_object(), *process = json_object(), *system = json_object();
    set(writer, part, "virtual_memory",
        object_of(writer, "process_bytes", kilobytes(status, "VmSize")));
    set(writer, part, "physical_memory",
        object_of(writer, "process_bytes", kilobytes(status, "VmRSS")));
    set(writer, process, "heap_live_bytes", number(total->live_bytes));
    set(writer, process, "heap_peak_bytes", number(total->peak_bytes));
    set(writer, process, "heap_total_bytes", number(total->bytes));
    set(writer, part, "process_memory", process);
    set(writer, system, "total_bytes", kilobytes(machine, "MemTotal"));
    set(writer, system, "available_bytes", kilobytes(machine, "MemAvailable"));
    set(writer, part, "system_memory", system);
    set(writer, part, "pressure_indicators",
        object_of(writer, "memory_some_avg10_percent", pressure(is_running)));
    return part;
}

void ms_rs_system_resources(struct writer *writer, const struct ms_rs *rs) {
    json_t *metadata = ms_rs_metadata(writer, rs, "system resources", false);
    set(writer, metadata, "timestamp", number(rs->export_realtime_ns / 1000000000));
    put_member(writer, "metadata", metadata);
    put_member(writer, "system_info", system_info(writer, rs));
    put_member(writer, "memory_stats", memory_stats(writer, rs));
}
