// A command that initialises itself as the tool Wizer has it: wizer.initialize runs once, and wizer.resume answers each
// request. What the initialiser does is the value of INIT in its environment; the answer tells what of it is there.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

void __wasm_call_ctors(void);
void __wasilibc_deinitialize_environ(void); // so that getenv looks again

static int count = 40;
static int file = -1;
static unsigned seed;
static char *block;
static struct timespec then;

#define BLOCK (3 << 20) // more than the memory begins with

static void touch(const char *name) {
  int fd = open(name, O_WRONLY | O_CREAT, 0600);
  if (fd < 0 || write(fd, "x", 1) != 1)
    __builtin_trap();
  if (strcmp(name, "/tmp/open"))
    close(fd);
}

__attribute__((export_name("wizer.initialize"))) void initialise(void) {
  __wasm_call_ctors();
  const char *mode = getenv("INIT");
  if (!mode)
    mode = "";
  printf("initialising %s\n", mode);
  fflush(stdout);
  count++;
  getentropy(&seed, sizeof seed);
  clock_gettime(CLOCK_MONOTONIC, &then);
  block = malloc(BLOCK);
  memset(block, 'b', BLOCK);
  file = open("/data.txt", O_RDONLY);
  if (file >= 0 && lseek(file, 3, SEEK_SET) != 3)
    __builtin_trap();
  if (!strcmp(mode, "tmp"))
    touch("/tmp/closed");
  if (!strcmp(mode, "open"))
    touch("/tmp/open");
  if (!strcmp(mode, "gone")) {
    touch("/tmp/gone");
    unlink("/tmp/gone");
  }
  if (!strcmp(mode, "stdin"))
    close(0);
  if (!strcmp(mode, "exit"))
    exit(0);
  if (!strcmp(mode, "fail"))
    exit(3);
  if (!strcmp(mode, "trap"))
    __builtin_trap();
  while (!strcmp(mode, "spin"))
    ;
  while (!strcmp(mode, "hoard")) {
    block = malloc(BLOCK);
    if (!block)
      abort();
    block[0] = 'h';
  }
  __wasilibc_deinitialize_environ();
}

__attribute__((export_name("wizer.resume"))) void resume(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  char text[5] = "none";
  if (file >= 0)
    text[read(file, text, 4)] = 0;
  int whole = block && block[0] == 'b' && block[BLOCK - 1] == 'b';
  const char *query = getenv("QUERY_STRING");
  printf("Content-Type: text/plain\n\ncount %d block %d file %s query %s seed %x", ++count, whole, text, query, seed);
  printf(" clock %s", now.tv_sec > then.tv_sec || (now.tv_sec == then.tv_sec && now.tv_nsec > then.tv_nsec) ? "on" : "back");
  printf(" stdin %s\n", fcntl(0, F_GETFL) < 0 ? "closed" : "open");
  block[0] = 'c'; // which the next request is not to see
  fflush(stdout);
}

int main(void) {
  printf("Content-Type: text/plain\n\nwithout an initialiser\n");
  return 0;
}
