#include "machine.hpp"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#endif

namespace gdfast {
namespace {

// The first word of a file, empty where there is none.
std::string word_in(const std::string& path) {
  std::ifstream file(path);
  std::string word;
  file >> word;
  return word;
}

// Bytes of a core's data cache at a level, as the kernel's files have it ("32768K"); 0 where there are no such files.
std::int64_t cache_by_kernel(const std::string& level) {
  const std::string folder = "/sys/devices/system/cpu/cpu0/cache/index";
  for (int index = 0;; ++index) {
    const std::string cache = folder + std::to_string(index);
    const std::string its_level = word_in(cache + "/level");
    if (its_level.empty()) return 0;
    if (its_level != level || word_in(cache + "/type") == "Instruction") continue;
    const std::string size = word_in(cache + "/size");
    char* unit = nullptr;
    const std::int64_t number = std::strtoll(size.c_str(), &unit, 10);
    return *unit == 'K' ? number << 10 : *unit == 'M' ? number << 20 : number;
  }
}

std::int64_t cache_by_library(const std::string& level) {
#if defined(_SC_LEVEL1_DCACHE_SIZE)
  return sysconf(level == "1" ? _SC_LEVEL1_DCACHE_SIZE : level == "2" ? _SC_LEVEL2_CACHE_SIZE : _SC_LEVEL3_CACHE_SIZE);
#else
  (void)level;
  return 0;
#endif
}

// The kernel is asked first. Of AMD's processors glibc (2.36, say) takes L3 from CPUID 0x80000006, which has that of the
// whole socket: ten dies of 32 MiB, 320 MiB, of which a core reaches its own die's. The kernel takes it from CPUID
// 0x8000001D, which has each cache and the cores that share it.
std::int64_t cache_size(const char* level, std::int64_t usual) {
  if (const std::int64_t bytes = cache_by_kernel(level); bytes > 0) return bytes;
  const std::int64_t bytes = cache_by_library(level);
  return bytes > 0 ? bytes : usual;
}

Caches read_caches() { return {cache_size("1", 32 << 10), cache_size("2", 1 << 20), cache_size("3", 32 << 20)}; }

// The whole of text as a number from 1 to 1024, else 0.
int count_in(const std::string& text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && value >= 1 && value <= kMostThreads ? value : 0;
}

int own_variable() {
  const char* text = std::getenv("GDFAST_NUM_THREADS");
  if (text == nullptr || *text == '\0') return 0;
  if (const int k = count_in(text)) return k;
  throw std::invalid_argument("GDFAST_NUM_THREADS=" + std::string(text) +
                              " is no number of threads; give one from 1 to " + std::to_string(kMostThreads) +
                              ", or unset it for all the CPUs this process may use");
}

// OpenMP's own, which may be a list, one number a nesting level: the first counts. What is wrong with it is for OpenMP
// to say.
int openmp_variable() {
  const char* text = std::getenv("OMP_NUM_THREADS");
  if (text == nullptr) return 0;
  const std::string list(text);
  return count_in(list.substr(0, list.find(',')));
}

int affinity_cpus() {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
#endif
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

// CPUs of one cgroup directory's quota, 0 where it has none. Version 2 has "max 100000" or "150000 100000" in cpu.max,
// version 1 two files.
double quota_in(const std::string& folder) {
  std::ifstream v2(folder + "/cpu.max");
  std::string quota;
  double period = 0;
  if (v2 >> quota >> period && quota != "max" && period > 0) return std::strtod(quota.c_str(), nullptr) / period;
  std::ifstream v1_quota(folder + "/cpu.cfs_quota_us"), v1_period(folder + "/cpu.cfs_period_us");
  double microseconds = 0;
  if (v1_quota >> microseconds && v1_period >> period && microseconds > 0 && period > 0) return microseconds / period;
  return 0;
}

// The tightest quota from this process's cgroup up to the root.
int cgroup_cpus() {
  std::ifstream groups("/proc/self/cgroup");
  double tightest = 0;
  for (std::string line; std::getline(groups, line);) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (!controllers.empty() && controllers.find("cpu") == std::string::npos) continue;
    const std::string root = controllers.empty() ? "/sys/fs/cgroup" : "/sys/fs/cgroup/cpu";
    std::string path = line.substr(second + 1);
    while (true) {
      const double cpus = quota_in(path == "/" ? root : root + path);
      if (cpus > 0 && (tightest == 0 || cpus < tightest)) tightest = cpus;
      if (path.size() <= 1) break;
      const auto slash = path.find_last_of('/');
      path = slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
    }
  }
  return tightest == 0 ? 0 : std::max(1, static_cast<int>(std::ceil(tightest)));
}

}  // namespace

const Caches& caches() {
  static const Caches found = read_caches();
  return found;
}

bool fetches_near() {
#if defined(__x86_64__)
  static const bool intel = [] {
    __builtin_cpu_init();
    return __builtin_cpu_is("intel") != 0;
  }();
  return intel;
#else
  return false;
#endif
}

bool follows_many_columns() {
#if defined(__x86_64__)
  static const bool follows = [] {
    __builtin_cpu_init();
    return __builtin_cpu_is("amd") == 0 || __builtin_cpu_supports("avx512f") != 0;
  }();
  return follows;
#else
  return true;
#endif
}

int default_num_threads() {
  if (const int k = own_variable()) return k;
  if (const int k = openmp_variable()) return k;
  const int quota = cgroup_cpus();
  const int cpus = affinity_cpus();
  return quota == 0 ? cpus : std::min(cpus, quota);
}

}  // namespace gdfast
