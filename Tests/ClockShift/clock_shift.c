// The clocks of one process, as a test wants them: loaded by LD_PRELOAD, it stands before the C library's calls and adds
// what the file named by CLOCK_SHIFT holds, which may change at any time. Timers of the kernel go on as they are.

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

// Nanoseconds to add, in the file's order: the wall clock's, and that of the clock that counts suspension.
enum { wall, boot, count };
static const volatile int64_t *shift;

// It is called before a sanitizer's runtime stands.
#define UNWATCHED __attribute__((no_sanitize("address", "thread")))

UNWATCHED __attribute__((constructor)) static void open_shift(void) {
    const char *path = getenv("CLOCK_SHIFT");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *memory = mmap(NULL, count * sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
    if (memory != MAP_FAILED) shift = memory;
    close(file);
}

UNWATCHED int clock_gettime(clockid_t clock, struct timespec *time) {
    const int64_t second = 1000000000;
    if (syscall(SYS_clock_gettime, clock, time) != 0) return -1;
    int isWall = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
    if (!shift || (!isWall && clock != CLOCK_BOOTTIME)) return 0;
    int64_t now = time->tv_sec * second + time->tv_nsec + shift[isWall ? wall : boot];
    time->tv_sec = now / second;
    time->tv_nsec = now % second;
    return 0;
}

UNWATCHED int gettimeofday(struct timeval *restrict value, void *restrict zone) {
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    value->tv_sec = now.tv_sec;
    value->tv_usec = now.tv_nsec / 1000;
    return 0;
}

UNWATCHED time_t time(time_t *seconds) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (seconds) *seconds = now.tv_sec;
    return now.tv_sec;
}
