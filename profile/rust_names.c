// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Names of Rust functions in the older mangling. It is C++'s, so that demanglers make of it
// "r::Vec$LT$T$GT$::push::h3d86ea540eba746e": a hash at the end, and escapes for what C++'s names
// cannot hold.

#include "profile.h"

#include <string.h>

static const struct {
    const char *escape, *text;
} escapes[] = {
    {"$SP$", "@"}, {"$BP$", "*"}, {"$RF$", "&"}, {"$LT$", "<"},
    {"$GT$", ">"}, {"$LP$", "("}, {"$RP$", ")"}, {"$C$", ","},
};

// Where the hash begins; NULL = it has none, and is no such name.
static char *find_hash(char *name) {
    const size_t digits = 16;
    size_t length = strlen(name), tail = strlen("::h") + digits;
    char *hash = length > tail ? name + length - tail : NULL;
    bool is_hash =
        hash && strncmp(hash, "::h", 3) == 0 && strspn(hash + 3, "0123456789abcdef") == digits;
    return is_hash ? hash : NULL;
}

// "$u7b$" is "{": those below 128 are all that compilers write. 0 = none is there.
static size_t take_code(const char *at, char *character_out) {
    unsigned code = 0;
    size_t length = strlen("$u");
    if (strncmp(at, "$u", length) != 0)
        return 0;
    for (; length < 6 && at[length] && strchr("0123456789abcdef", at[length]); length++)
        code = 16 * code + (unsigned)(at[length] <= '9' ? at[length] - '0' : at[length] - 'a' + 10);
    if (at[length] != '$' || code < ' ' || code >= 127)
        return 0;
    *character_out = (char)code;
    return length + 1;
}

static size_t take_escape(const char *at, char *character_out) {
    for (size_t i = 0; i < sizeof escapes / sizeof *escapes; i++) {
        size_t length = strlen(escapes[i].escape);
        if (strncmp(at, escapes[i].escape, length) == 0) {
            *character_out = *escapes[i].text;
            return length;
        }
    }
    return take_code(at, character_out);
}

void ms_unescape_rust(char *name) {
    char *hash = find_hash(name), *out = name;
    if (!hash)
        return;
    *hash = '\0';
    for (const char *at = name; *at;) {
        bool begins_part = at == name || (at - name >= 2 && at[-1] == ':');
        size_t length = *at == '$' ? take_escape(at, out) : 0;
        if (length > 0) {
            at += length;
            out++;
        } else if (begins_part && at[0] == '_' && at[1] == '$') {
            at++; // before an escape, so that the part begins with a letter
        } else if (at[0] == '.' && at[1] == '.') {
            *out++ = ':';
            *out++ = ':';
            at += 2;
        } else {
            *out++ = *at++;
        }
    }
    *out = '\0';
}
