// Shows ThreadSanitizer the contended path of Swift's Mutex. deploy/test --sanitize thread preloads it.
//
// The uncontended path is inlined into our modules and therefore instrumented. The contended one lives in
// libswiftSynchronization, which is not: the kernel hands the lock over (FUTEX_LOCK_PI) and ThreadSanitizer, which sees
// no order between the two owners, reports races in what the lock protects. These two functions take the place of the
// library's, tell ThreadSanitizer what happens, and call the originals. Without ThreadSanitizer they only call them.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define LOCK_SLOW "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK_SLOW "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

extern void __tsan_acquire(void *address) __attribute__((weak));
extern void __tsan_release(void *address) __attribute__((weak));

// func _lockSlow(_ selfId: UInt32) and func _unlockSlow(), both on a borrowed self that comes by address.
typedef __attribute__((swiftcall)) void lock_slow_fn(uint32_t thread, __attribute__((swift_context)) void *handle);
typedef __attribute__((swiftcall)) void unlock_slow_fn(__attribute__((swift_context)) void *handle);

static lock_slow_fn *original_lock;
static unlock_slow_fn *original_unlock;

__attribute__((constructor)) static void find_originals(void) {
    original_lock = (lock_slow_fn *)dlsym(RTLD_NEXT, LOCK_SLOW);
    original_unlock = (unlock_slow_fn *)dlsym(RTLD_NEXT, UNLOCK_SLOW);
}

lock_slow_fn visible_lock_slow __asm__(LOCK_SLOW);
unlock_slow_fn visible_unlock_slow __asm__(UNLOCK_SLOW);

__attribute__((swiftcall)) void visible_lock_slow(uint32_t thread, __attribute__((swift_context)) void *handle) {
    if (original_lock == NULL) find_originals();
    if (original_lock == NULL) abort();
    original_lock(thread, handle);
    if (__tsan_acquire != NULL) __tsan_acquire(handle);
}

__attribute__((swiftcall)) void visible_unlock_slow(__attribute__((swift_context)) void *handle) {
    if (original_unlock == NULL) find_originals();
    if (original_unlock == NULL) abort();
    if (__tsan_release != NULL) __tsan_release(handle);
    original_unlock(handle);
}
