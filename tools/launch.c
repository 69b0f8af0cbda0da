// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs the program as our child in our own process group, and stands aside: signals sent to us are
// sent on, stops and continuations followed.

#define _GNU_SOURCE // asprintf, pipe2
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static const int forwarded[] = {SIGINT,  SIGTERM, SIGHUP,  SIGQUIT,
                                SIGUSR1, SIGUSR2, SIGTSTP, SIGCONT};

static bool set_environment(const char *preload, const char *options) {
    const char *users = getenv("LD_PRELOAD");
    char *both = NULL;
    if (preload && users && *users && asprintf(&both, "%s:%s", preload, users) < 0)
        return false;
    bool good = setenv("MEMSCOPE_OPTIONS", options, 1) == 0 &&
                (!preload || setenv("LD_PRELOAD", both ? both : preload, 1) == 0);
    free(both);
    return good;
}

// In the child. Only a failed exec writes to the pipe; a good one closes it.
static void become(char **argv, const char *preload, const char *options, const sigset_t *mask,
                   const struct sigaction *child_action, int report_fd) {
    sigaction(SIGCHLD, child_action, NULL);
    sigprocmask(SIG_SETMASK, mask, NULL);
    if (set_environment(preload, options))
        execvp(argv[0], argv);
    int error = errno;
    if (write(report_fd, &error, sizeof error) != (ssize_t)sizeof error)
        _exit(126);
    _exit(error == ENOENT ? 127 : 126);
}

// True once the child has ended.
static bool follow(pid_t child, int *status_out) {
    int status;
    pid_t pid;
    while ((pid = waitpid(child, &status, WNOHANG | WUNTRACED | WCONTINUED)) > 0) {
        if (WIFEXITED(status) || WIFSIGNALED(status)) {
            *status_out = status;
            return true;
        }
        // The shell that waits for us must see a stop, too. The rest is SIGCONT, which comes to the
        // child as well.
        if (WIFSTOPPED(status))
            raise(SIGSTOP);
    }
    return pid < 0 && errno != EINTR; // not ours any more: cannot happen while we have not waited
}

static void wait_and_forward(pid_t child, const sigset_t *signals, int *status_out) {
    *status_out = 0;
    while (!follow(child, status_out)) {
        siginfo_t info;
        int number = sigwaitinfo(signals, &info);
        // What the terminal sends goes to the whole group: the child has it already.
        if (number > 0 && number != SIGCHLD && info.si_code != SI_KERNEL)
            kill(child, number);
    }
}

bool ms_launch(char **argv, const char *preload, const char *options, struct ms_ended *ended_out) {
    int report[2];
    sigset_t signals, before;
    struct sigaction child_action;
    *ended_out = (struct ms_ended){0};
    if (pipe2(report, O_CLOEXEC) != 0)
        return false;
    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    for (size_t i = 0; i < sizeof forwarded / sizeof *forwarded; i++)
        sigaddset(&signals, forwarded[i]);
    sigprocmask(SIG_BLOCK, &signals, &before);
    // Ignored, it would take the exit status away.
    sigaction(SIGCHLD, &(struct sigaction){.sa_handler = SIG_DFL}, &child_action);
    pid_t child = fork();
    if (child == 0) {
        close(report[0]);
        become(argv, preload, options, &before, &child_action, report[1]);
    }
    close(report[1]);
    if (child > 0) {
        // What we say at the end must not cost the child's exit code (a closed pipe, ulimit -f).
        signal(SIGPIPE, SIG_IGN);
        signal(SIGXFSZ, SIG_IGN);
        ended_out->pid = child;
        ssize_t count;
        while ((count = read(report[0], &ended_out->exec_error, sizeof ended_out->exec_error)) <
                   0 &&
               errno == EINTR)
            ;
        if (count != (ssize_t)sizeof ended_out->exec_error)
            ended_out->exec_error = 0;
        wait_and_forward(child, &signals, &ended_out->status);
    }
    close(report[0]);
    return child > 0;
}
