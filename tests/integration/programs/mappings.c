// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// mappings fork|under_fork: the child's mappings once it has a profile of its own: those of
// profiles, and one at address 0. `fork` tells atfork handlers, _Fork does not.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

pid_t _Fork(void);

static void allocate(void)
{
    void *volatile block = malloc(10);
    free(block);
}

int main(int argc, char **argv)
{
    char line[4096];
    allocate();
    pid_t pid = argc == 2 && strcmp(argv[1], "fork") == 0 ? fork() : _Fork();
    if (pid != 0)
        return waitpid(pid, NULL, 0) != pid;
    allocate();
    FILE *maps = fopen("/proc/self/maps", "r");
    while (maps && fgets(line, sizeof line, maps))
        if (strncmp(line, "00000000-", 9) == 0 || strstr(line, ".msp"))
            fputs(line, stdout);
    return 0;
}
