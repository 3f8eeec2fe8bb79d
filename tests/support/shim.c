/* Stands between the program under test and the C library (LD_PRELOAD).
 *
 * SHIM_CLOCK_FILE: a file with a number of seconds that is added to the wall clock, read anew at
 * each look, so that a test can set the clock while the program runs. No other clock changes.
 * SHIM_THREADS_MAX: threads that can be started; after so many, the system has no more.
 * SHIM_POLL_FAILS: a file; once it exists, waiting for events fails as it never should. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long offset_s(void) {
  const char *path = getenv("SHIM_CLOCK_FILE");
  if (path == NULL) return 0;
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  char text[32] = {0};
  ssize_t length = read(file, text, sizeof text - 1);
  close(file);
  return length > 0 ? atol(text) : 0;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
  int result = (int)syscall(SYS_clock_gettime, clock, time);
  if (result == 0 && clock == CLOCK_REALTIME) time->tv_sec += offset_s();
  return result;
}

int epoll_wait(int poll, struct epoll_event *events, int count, int timeout) {
  const char *path = getenv("SHIM_POLL_FAILS");
  if (path != NULL && access(path, F_OK) == 0) {
    errno = EBADF;
    return -1;
  }
  return (int)syscall(SYS_epoll_pwait, poll, events, count, timeout, NULL, 8);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *),
                   void *argument) {
  static int started;
  static int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
  if (real == NULL) *(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
  const char *most = getenv("SHIM_THREADS_MAX");
  if (most != NULL && __atomic_fetch_add(&started, 1, __ATOMIC_SEQ_CST) >= atoi(most)) return EAGAIN;
  return real(thread, attributes, start, argument);
}
