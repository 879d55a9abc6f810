#include "thread_pool.hpp"

#include <pthread.h>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include <atomic>
#include <cfenv>
#include <chrono>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>

#include "machine.hpp"

namespace gdfast {
namespace {

void pause_cpu() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// Waits until `changed` holds: watching for a while, which catches a job that follows at once, then asleep on `value`.
// Falling asleep and being woken costs 5 to 50 µs, so watching for that long at most doubles the wait.
template <class Value, class Changed>
void wait_until(std::atomic<Value>& value, Changed changed) {
  constexpr auto kWatch = std::chrono::microseconds(20);
  const auto end = std::chrono::steady_clock::now() + kWatch;
  while (std::chrono::steady_clock::now() < end) {
    for (int k = 0; k < 32; ++k) {
      if (changed(value.load())) return;
      pause_cpu();
    }
  }
  for (Value seen = value.load(); !changed(seen); seen = value.load()) value.wait(seen);
}

// How this thread's arithmetic rounds, and what it does with subnormals: its control register, read and written in
// nanoseconds. Elsewhere C's environment, which takes longer.
#if defined(__x86_64__)
using Arithmetic = unsigned;
Arithmetic arithmetic() { return _mm_getcsr(); }
void set_arithmetic(Arithmetic wanted) { _mm_setcsr(wanted); }
#else
using Arithmetic = std::fenv_t;
Arithmetic arithmetic() {
  Arithmetic now;
  std::fegetenv(&now);
  return now;
}
void set_arithmetic(const Arithmetic& wanted) { std::fesetenv(&wanted); }
#endif

class ThreadPool {
 public:
  void run(int count, int threads, void (*task)(void*, int), void* context) {
    if (busy_.exchange(true)) {  // by another thread, or by this one further up the stack
      for (int i = 0; i < count; ++i) task(context, i);
      return;
    }
    start(threads - 1);
    task_ = task;
    context_ = context;
    count_ = count;
    arithmetic_ = arithmetic();
    error_ = nullptr;
    failed_ = false;
    next_ = 0;
    places_ = threads - 1;
    open_ = true;
    ++job_;
    job_.notify_all();
    work();
    // A helper either came in before this line, and is waited for, or finds the job closed.
    open_ = false;
    wait_until(inside_, [](int inside) { return inside == 0; });
    const std::exception_ptr error = error_;
    busy_ = false;
    if (error) std::rethrow_exception(error);
  }

 private:
  std::atomic<bool> busy_{false};
  int started_ = 0;
  void (*task_)(void*, int) = nullptr;
  void* context_ = nullptr;
  int count_ = 0;
  Arithmetic arithmetic_{};  // the caller's: a task gives the same bits on every thread
  std::exception_ptr error_;
  std::atomic<bool> failed_{false};
  std::atomic<int> next_{0};       // the next task to hand out
  std::atomic<int> places_{0};     // helpers that may still join
  std::atomic<int> inside_{0};     // helpers that may look at the job
  std::atomic<bool> open_{false};  // may helpers join?
  std::atomic<unsigned> job_{0};   // counts the jobs: helpers sleep until it changes

  // Where the system grants no more threads the job goes on with those there are.
  void start(int helpers) try {
    for (; started_ < helpers; ++started_) std::thread([this, seen = job_.load()] { help(seen); }).detach();
  } catch (const std::system_error&) {
  }

  void help(unsigned seen) {
    while (true) {
      wait_until(job_, [seen](unsigned job) { return job != seen; });
      seen = job_.load();
      ++inside_;
      if (open_ && places_.fetch_sub(1) > 0) {
        const Arithmetic own = arithmetic();
        set_arithmetic(arithmetic_);
        work();
        set_arithmetic(own);
      }
      if (--inside_ == 0) inside_.notify_all();
    }
  }

  void work() {
    for (int i = next_++; i < count_; i = next_++) {
      try {
        task_(context_, i);
      } catch (...) {
        if (!failed_.exchange(true)) error_ = std::current_exception();
        next_ = count_;
      }
    }
  }
};

// Never destroyed: its threads sleep in it until the process ends, and a forked child leaves its parent's behind.
std::atomic<ThreadPool*> pool{nullptr};

ThreadPool& the_pool() {
  static std::once_flag once;
  std::call_once(once, [] {
    pool = new ThreadPool;
    pthread_atfork(nullptr, nullptr, [] { pool = new ThreadPool; });
  });
  return *pool;
}

std::atomic<int> wanted{0};

}  // namespace

int num_threads() {
  int k = wanted.load(std::memory_order_relaxed);
  if (k == 0) {
    k = default_num_threads();
    wanted = k;
  }
  return k;
}

void set_num_threads(int k) { wanted = k; }

void run_tasks(int count, int threads, void (*task)(void*, int), void* context) {
  if (threads <= 1 || count <= 1) {
    for (int i = 0; i < count; ++i) task(context, i);
  } else {
    the_pool().run(count, threads, task, context);
  }
}

}  // namespace gdfast
