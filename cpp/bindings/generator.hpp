// NumPy's Generator as RowOrder draws from it: its bits, without the GIL, under the lock that goes with them.
#pragma once

#include <memory>

#include "engine/descent/row_order.hpp"
#include "python_code.hpp"

namespace gdfast::bindings {

// Whether Python is about to end. Threads that are none of its own come to nothing then.
inline bool is_finalizing() {
#if PY_VERSION_HEX >= 0x030d0000
  return Py_IsFinalizing() != 0;
#else
  return _Py_IsFinalizing() != 0;
#endif
}

// Python's state of a thread that is about to start, made by the thread that starts it: one that made its own could find
// the interpreter gone.
class NewThread {
 public:
  NewThread() {
    with_gil([this] {
      if (is_finalizing()) return;
      state_ = PyThreadState_New(PyInterpreterState_Get());
      // It would pass for one of this thread's, and be given the exceptions that other threads send to this one.
      if (state_ != nullptr) state_->thread_id = 0;
    });
  }
  ~NewThread() {
    if (state_ != nullptr) with_gil([this] { clear(state_, PyThreadState_Delete); });
  }
  NewThread(const NewThread&) = delete;
  NewThread& operator=(const NewThread&) = delete;

  explicit operator bool() const { return state_ != nullptr; }

  // By the new thread: `work`, which may take the GIL.
  template <class Work>
  bool run(Work work) {
    let_go = std::exchange(state_, nullptr);
    const bool done = work();
    or_wait_for_the_end([] {
      PyThreadState* const state = std::exchange(let_go, nullptr);
      PyEval_RestoreThread(state);
      clear(state, [](PyThreadState*) { PyThreadState_DeleteCurrent(); });
    });
    return done;
  }

 private:
  PyThreadState* state_ = nullptr;

  static void clear(PyThreadState* state, void (*remove)(PyThreadState*)) {
    PyThreadState_Clear(state);
    remove(state);
  }
};

// Holds a Python lock, unless `stop` gave up or acquiring raised. Whoever has it meanwhile may need the GIL to give it
// back, and Ctrl-C has to arrive: so it is asked for a little while at a time.
class HeldLock {
 public:
  HeldLock(PyObject* lock, const Stop& stop, py::object& error) : lock_(lock), error_(error) {
    while (!held_ && acquire() && !held_ && !(stop && stop())) continue;
  }
  ~HeldLock() {
    if (!held_) return;
    with_gil([this] {
      PyObject* const nothing = PyObject_CallMethod(lock_, "release", nullptr);
      if (nothing == nullptr) keep_exception(error_);
      Py_XDECREF(nothing);
    });
  }
  HeldLock(const HeldLock&) = delete;
  HeldLock& operator=(const HeldLock&) = delete;

  explicit operator bool() const { return held_; }

 private:
  PyObject* lock_;
  py::object& error_;
  bool held_ = false;

  // False where it raised.
  bool acquire() {
    constexpr double kSeconds = 0.02;
    int truth = 0;
    with_gil([&] {
      truth = truth_of(PyObject_CallMethod(lock_, "acquire", "Od", Py_True, kSeconds));
      if (truth < 0) keep_exception(error_);
    });
    held_ = truth > 0;
    return truth >= 0;
  }
};

class Generator {
 public:
  // Exceptions of the lock go into `error`.
  Generator(py::handle rng, py::object& error) : error_(error) {
    const py::object generator = rng.attr("bit_generator");
    lock_ = generator.attr("lock");
    bits_ = py::capsule(generator.attr("capsule")).get_pointer<BitGenerator>();
  }
  Generator(const Generator&) = delete;
  Generator& operator=(const Generator&) = delete;

  Drawing drawing() {
    return {[this](std::int64_t n, std::int64_t* order, const Stop& stop) {
              const HeldLock held(lock_.ptr(), stop, error_);
              // `stop` runs signal handlers, which may draw too: not while this thread has the lock.
              return held && permutation(*bits_, n, order, Stop());
            },
            [this] { return in_a_thread(); }};
  }

 private:
  py::object lock_;
  BitGenerator* bits_;
  py::object& error_;

  Drawing::Draw in_a_thread() {
    const auto thread = std::make_shared<NewThread>();
    if (!*thread) return {};
    return [this, thread](std::int64_t n, std::int64_t* order, const Stop& stop) {
      return thread->run([&] {
        const HeldLock held(lock_.ptr(), stop, error_);
        return held && permutation(*bits_, n, order, stop);
      });
    };
  }
};

}  // namespace gdfast::bindings
