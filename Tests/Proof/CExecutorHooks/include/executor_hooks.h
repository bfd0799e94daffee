// Routes the jobs of Swift's concurrency runtime to a queue of our own, by the hooks that the runtime exports for this
// (stdlib/public/Concurrency/ExecutorImpl.h, `swift_task_enqueueGlobal_hook` and its neighbours). In C, since the hooks
// follow Swift's calling convention and clang can say so.
#ifndef EXECUTOR_HOOKS_H
#define EXECUTOR_HOOKS_H

// Takes every job from here on: whatever would have gone to the pool of threads, and the main executor's. To be called
// before anything concurrent has begun. A task that sleeps by the real clock ends the process, and says so.
void executor_route_jobs(void (*take)(void *job));

// Runs a job on this thread, to its next suspension. Once for each job that was taken.
void executor_run_job(void *job);

#endif
