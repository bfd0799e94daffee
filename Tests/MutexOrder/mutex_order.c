// Tells the thread sanitizer what orders the holders of a contended Mutex: loaded by LD_PRELOAD, it stands before the
// slow paths of the standard library's Mutex on Linux.
//
// A Mutex that nobody waits for is taken and given back by atomics that the compiler puts into the caller, where the
// sanitizer sees them. One that is waited for is taken within libswiftSynchronization, by spinning or by the kernel
// (FUTEX_LOCK_PI), and neither is instrumented: whatever it guards is then reported as a race. The names below are those
// functions' mangled names in Swift 6; where a later toolchain has others, nothing is interposed and the reports return.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context)) void *
#define LOCK_SLOW "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define TRY_LOCK_SLOW "$s15Synchronization12_MutexHandleV12_tryLockSlowSbyF"
#define UNLOCK_SLOW "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

// Of the sanitizer's runtime: absent in processes without it, which inherit LD_PRELOAD all the same.
__attribute__((weak)) void __tsan_acquire(void *address);
__attribute__((weak)) void __tsan_release(void *address);

static SWIFT void (*next_lock)(uint32_t thread, SELF handle);
static SWIFT bool (*next_try_lock)(SELF handle);
static SWIFT void (*next_unlock)(SELF handle);

// Before any thread begins, so that finding them is no race.
__attribute__((constructor)) static void find_next(void) {
  next_lock = dlsym(RTLD_NEXT, LOCK_SLOW);
  next_try_lock = dlsym(RTLD_NEXT, TRY_LOCK_SLOW);
  next_unlock = dlsym(RTLD_NEXT, UNLOCK_SLOW);
}

static void acquired(void *handle) {
  if (__tsan_acquire) __tsan_acquire(handle);
}

SWIFT void lock_slow(uint32_t thread, SELF handle) __asm__(LOCK_SLOW);
SWIFT bool try_lock_slow(SELF handle) __asm__(TRY_LOCK_SLOW);
SWIFT void unlock_slow(SELF handle) __asm__(UNLOCK_SLOW);

SWIFT void lock_slow(uint32_t thread, SELF handle) {
  next_lock(thread, handle);
  acquired(handle);
}

SWIFT bool try_lock_slow(SELF handle) {
  bool is_taken = next_try_lock(handle);
  if (is_taken) acquired(handle);
  return is_taken;
}

SWIFT void unlock_slow(SELF handle) {
  if (__tsan_release) __tsan_release(handle);
  next_unlock(handle);
}
