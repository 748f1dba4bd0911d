/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Other programs that a unit test asks: openssl, softhsm2-util.
 */
#ifndef TESTS_PROGRAM_H
#define TESTS_PROGRAM_H

#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <sys/wait.h>

extern char **environ;

/* Run a program, found in PATH, without its output. args begins with its name
 * and ends with NULL. Its exit code, or -1. */
static int program_run(const char *const *args)
{
    char *argv[32] = {0};
    posix_spawn_file_actions_t quiet;
    pid_t pid;
    int status = -1;
    for (size_t i = 0; i < 31 && args[i]; i++)
        argv[i] = (char *)(uintptr_t)args[i];
    (void)posix_spawn_file_actions_init(&quiet);
    (void)posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
    (void)posix_spawn_file_actions_addopen(&quiet, 2, "/dev/null", O_WRONLY, 0);
    if (posix_spawnp(&pid, argv[0], &quiet, NULL, argv, environ) == 0)
        (void)waitpid(pid, &status, 0);
    (void)posix_spawn_file_actions_destroy(&quiet);
    return status != -1 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#define PROGRAM(...) program_run((const char *const[]){__VA_ARGS__, NULL})

#endif
