// What Linux has and Swift's Glibc module leaves out.

// eventfd(2): it wakes a thread of our own.
#include <sys/eventfd.h>

// renameat2(2) with RENAME_NOREPLACE: a rename that never replaces a file. By number, since the C library declares it
// only under _GNU_SOURCE, which cannot be set for a module. -1 with errno EINVAL or ENOSYS where it is not to be had.
#include <sys/syscall.h>
#include <unistd.h>
static inline int clinux_rename_noreplace(int folder, const char *from, const char *to) {
    const unsigned int noreplace = 1;
    return (int)syscall(SYS_renameat2, folder, from, folder, to, noreplace);
}

// ppoll(2), which knows times below a millisecond; a negative time is for ever. Declared under _GNU_SOURCE only, too.
#include <poll.h>
#include <time.h>
static inline int clinux_poll(struct pollfd *descriptors, unsigned long count, long long nanoseconds) {
    struct timespec time = {.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000};
    return (int)syscall(SYS_ppoll, descriptors, count, nanoseconds < 0 ? (struct timespec *)0 : &time, (void *)0, 0);
}
