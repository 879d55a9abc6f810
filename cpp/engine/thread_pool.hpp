// A pool of threads that sleep when idle. One job at a time; a second caller works alone meanwhile.
#pragma once

namespace gdfast {

int num_threads();
void set_num_threads(int k);  // k >= 1

// Calls task(context, i) once for each i in [0, count), on up to `threads` threads, the caller among them. Tasks are
// handed out in order, one by one, so that a slow thread holds nobody up. An exception from a task stops the handing
// out and is thrown again here. Every thread computes as the caller does (rounding mode, subnormals). After fork() the
// child starts threads of its own at its first job.
void run_tasks(int count, int threads, void (*task)(void* context, int index), void* context);

}  // namespace gdfast
