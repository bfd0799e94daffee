// A disk that is nearly full, as a test wants it: loaded by LD_PRELOAD, it stands before the C library's statvfs. Where a
// path begins as FULL_DISK says, so many thousandths of the file system are left as LEFT_OF_DISK says.

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

// It is called before a sanitizer's runtime stands.
#define UNWATCHED __attribute__((no_sanitize("address", "thread")))

typedef int (*call)(const char *, struct statvfs *);

UNWATCHED int statvfs(const char *path, struct statvfs *status) {
    call original = (call)dlsym(RTLD_NEXT, "statvfs");
    int failure = original(path, status);
    const char *full = getenv("FULL_DISK");
    const char *left = getenv("LEFT_OF_DISK");
    if (failure || !full || !left || strncmp(path, full, strlen(full))) return failure;
    // A TiB, whatever is below: what counts is the portion that is left.
    status->f_frsize = 4096;
    status->f_blocks = 1 << 28;
    status->f_bavail = status->f_bfree = status->f_blocks / 1000 * strtoul(left, NULL, 10);
    status->f_files = status->f_ffree = status->f_favail = 0;
    return 0;
}
