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
