/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A temporary folder for the files of a test program. It is made at the first
 * use, shared by the runs in child processes, and goes when the program ends.
 */
#ifndef TESTS_FOLDER_H
#define TESTS_FOLDER_H

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/tessera-test.XXXXXX";
static pid_t folder_owner;

/* Remove all files in the folder. */
static void folder_empty(void)
{
    DIR *d = opendir(folder);
    struct dirent *e;
    while (d && (e = readdir(d)))
        if (e->d_name[0] != '.')
            (void)unlinkat(dirfd(d), e->d_name, 0);
    if (d)
        (void)closedir(d);
}

/* At the end of the program, not of its children. */
static void folder_remove(void)
{
    if (getpid() != folder_owner)
        return;
    folder_empty();
    (void)rmdir(folder);
}

/* Setup function of a test: an empty folder. */
static int folder_fresh(void **state)
{
    (void)state;
    if (folder_owner == 0) {
        if (!mkdtemp(folder))
            return -1;
        folder_owner = getpid();
        (void)atexit(folder_remove);
    }
    folder_empty();
    return 0;
}

/* Path of a file in the folder; valid until the next four calls. */
static const char *in_folder(const char *name)
{
    static char paths[4][PATH_MAX];
    static unsigned n;
    char *path = paths[n++ % 4];
    (void)snprintf(path, PATH_MAX, "%s/%s", folder, name);
    return path;
}

/* Write a file of this mode; its path. */
static inline const char *file_with(const char *name, const char *text,
                                    mode_t mode)
{
    const char *path = in_folder(name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd >= 0) {
        (void)!write(fd, text, strlen(text));
        (void)fchmod(fd, mode);
        (void)close(fd);
    }
    return path;
}

#endif
