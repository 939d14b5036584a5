/*
 * background.c - a process that continues after the command has returned.
 *
 * libfuse's own function forks when the mount is complete. Threads do not survive that, and opening
 * an image needs threads. So the process forks first, and the parent waits for the child's report
 * through a pipe: the command still returns only when the mount can be used, or with the error.
 */
#include "host/mount/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

static int report_fd = -1;

status_t background_start(void)
{
    int pipe_fds[2];
    if (pipe2(pipe_fds, O_CLOEXEC))
        return -errno;
    pid_t child = fork();
    if (child < 0)
        return -errno;
    if (!child) {
        close(pipe_fds[0]);
        report_fd = pipe_fds[1];
        return 0;
    }

    /* The pipe ends without a byte if the child ends first. */
    char byte;
    close(pipe_fds[1]);
    ssize_t got;
    while ((got = read(pipe_fds[0], &byte, 1)) < 0 && errno == EINTR)
        ;
    if (got == 1)
        _exit(0);
    int status;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

void background_done(void)
{
    if (report_fd < 0)
        return;

    /* The mount must not keep a directory busy, nor a terminal or a pipe open. */
    int null = open("/dev/null", O_RDWR);
    if (setsid() < 0 || chdir("/") || null < 0)
        return;
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
    if (null > STDERR_FILENO)
        close(null);

    ssize_t sent = write(report_fd, "", 1);
    (void)sent;
    close(report_fd);
    report_fd = -1;
}
