#include "executor_hooks.h"

#include <stdio.h>
#include <stdlib.h>

#define SWIFT __attribute__((swiftcall))

extern void *swift_task_enqueueGlobal_hook;
extern void *swift_task_enqueueGlobalWithDelay_hook;
extern void *swift_task_enqueueGlobalWithDeadline_hook;
extern void *swift_task_enqueueMainExecutor_hook;

// The executor is a pair of words; two zeros are the generic one.
extern SWIFT void swift_job_run(void *job, void *identity, void *implementation);

static void (*taker)(void *job);

static SWIFT void enqueue(void *job, void *original) {
    (void)original;
    taker(job);
}

static SWIFT void refuse_to_sleep(void) {
    fputs("a task of the simulation sleeps by the real clock, which would not repeat\n", stderr);
    exit(70);
}

void executor_route_jobs(void (*take)(void *job)) {
    taker = take;
    swift_task_enqueueGlobal_hook = (void *)enqueue;
    swift_task_enqueueMainExecutor_hook = (void *)enqueue;
    swift_task_enqueueGlobalWithDelay_hook = (void *)refuse_to_sleep;
    swift_task_enqueueGlobalWithDeadline_hook = (void *)refuse_to_sleep;
}

void executor_run_job(void *job) { swift_job_run(job, NULL, NULL); }
