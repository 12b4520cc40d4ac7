// A CGI program that goes up to a rule and says what it met there. QUERY_STRING
// says which; the answer is one line for each thing that was tried, with the
// number of the error in WASI preview 1, 0 for none.
//
//   errnos       what cannot be done to files
//   bytes        fills /tmp: how many bytes fitted, and the error
//   holes        the same with holes, truncation and allocation
//   names        makes files in /tmp: how many, and the error
//   levels       makes directories within each other: how many, and the error
//   descriptors  opens /dev/null: how many, and the error
//   memory       allocates: how many MiB, and the error
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static void say(const char *what, int failed) { printf("%s %d\n", what, failed ? errno : 0); }

static int opened(const char *path, int flags) {
  int fd = open(path, flags, 0644);
  if (fd >= 0) close(fd);
  return fd < 0;
}

static int lengthened(const char *path, off_t size) {
  int fd = open(path, O_RDWR);
  int failed = fd < 0 || ftruncate(fd, size) < 0;
  int kept = errno;
  if (fd >= 0) close(fd);
  errno = kept;
  return failed;
}

static void errnos(void) {
  struct stat st;
  char target[4];
  say("read a file of the bundle", opened("/file", O_RDONLY));
  say("read what is not there", opened("/missing", O_RDONLY));
  say("read below a file", opened("/file/x", O_RDONLY));
  say("write to the bundle", opened("/file", O_WRONLY));
  say("create in the bundle", opened("/new", O_RDWR | O_CREAT));
  say("truncate in the bundle", opened("/file", O_WRONLY | O_TRUNC));
  say("make a directory in the bundle", mkdir("/new", 0755) < 0);
  say("remove from the bundle", unlink("/file") < 0);
  say("rename in the bundle", rename("/file", "/other") < 0);
  say("touch in the bundle", utimensat(AT_FDCWD, "/file", NULL, 0) < 0);
  say("move from the bundle", rename("/file", "/tmp/file") < 0);
  say("link from the bundle", link("/file", "/tmp/file") < 0);
  say("leave the bundle", opened("/../../etc/passwd", O_RDONLY));
  say("open the null device", opened("/dev/null", O_RDWR));
  say("open another device", opened("/dev/zero", O_RDONLY));
  say("create in /tmp", opened("/tmp/f", O_RDWR | O_CREAT | O_EXCL));
  say("create it again", opened("/tmp/f", O_RDWR | O_CREAT | O_EXCL));
  say("open it as a directory", opened("/tmp/f", O_RDONLY | O_DIRECTORY));
  say("make a directory", mkdir("/tmp/d", 0755) < 0);
  say("make it again", mkdir("/tmp/d", 0755) < 0);
  say("write to a directory", opened("/tmp/d", O_WRONLY));
  say("move the file into it", rename("/tmp/f", "/tmp/d/f") < 0);
  say("remove a full directory", rmdir("/tmp/d") < 0);
  say("unlink a directory", unlink("/tmp/d") < 0);
  say("remove a file as a directory", rmdir("/tmp/d/f") < 0);
  say("link to it", symlink("f", "/tmp/d/l") < 0);
  say("link to a host's file", symlink("/etc/passwd", "/tmp/d/p") < 0);
  say("link out of /tmp", symlink("../../../../etc/passwd", "/tmp/d/o") < 0);
  say("follow that", opened("/tmp/d/o", O_RDONLY));
  say("do not follow a link", opened("/tmp/d/l", O_RDONLY | O_NOFOLLOW));
  say("a link to itself", symlink("loop", "/tmp/loop") < 0);
  say("follow that", opened("/tmp/loop", O_RDONLY));
  say("read a part of a link", readlink("/tmp/d/l", target, 1) < 0);
  say("a long name", opened("/tmp/"
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    O_RDWR | O_CREAT));
  say("a negative length", lengthened("/tmp/d/f", -1));
  say("close what is not open", close(99) < 0);
  say("seek in a stream", lseek(0, 0, SEEK_CUR) < 0);
  say("shut a file down", shutdown(3, SHUT_RDWR) < 0);
  say("stat /tmp", stat("/tmp", &st) < 0);
}

// fill writes until it fails, and says how much.
static void fill(const char *path) {
  static char block[1 << 16];
  long long total = 0;
  int fd = open(path, O_RDWR | O_CREAT, 0644);
  ssize_t n;
  while ((n = write(fd, block, sizeof block)) > 0) total += n;
  printf("wrote %lld bytes, then %d\n", total, errno);
  close(fd);
}

static void holes(void) {
  int fd = open("/tmp/f", O_RDWR | O_CREAT, 0644);
  off_t limit = atoll(getenv("TMP_BYTES"));
  say("all of it, by truncation", ftruncate(fd, limit) < 0);
  say("a byte more", ftruncate(fd, limit + 1) < 0);
  say("a byte more, written behind it", pwrite(fd, "x", 1, limit) < 0);
  say("a byte that overwrites", pwrite(fd, "x", 1, limit - 1) < 0);
  say("a byte of another file", pwrite(open("/tmp/g", O_RDWR | O_CREAT, 0644), "x", 1, 0) < 0);
  unlink("/tmp/f");
  say("the same, with the full one unlinked but open", pwrite(open("/tmp/g", O_RDWR), "x", 1, 0) < 0);
  close(fd);
  say("the same, with it closed", pwrite(open("/tmp/g", O_RDWR), "x", 1, 0) < 0);
  say("allocation of the rest", posix_fallocate(open("/tmp/g", O_RDWR), 1, limit - 1) != 0);
  int failed = posix_fallocate(open("/tmp/g", O_RDWR), 1, limit);
  printf("allocation of a byte more %d\n", failed);
}

static void names(void) {
  char path[32];
  int n = 0;
  for (;; n++) {
    snprintf(path, sizeof path, "/tmp/%d", n);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0644);
    if (fd < 0) break;
    close(fd);
  }
  printf("made %d files, then %d\n", n, errno);
}

static void levels(void) {
  char path[4096] = "/tmp";
  int n = 0;
  for (;; n++) {
    strcat(path, "/d");
    if (mkdir(path, 0755) < 0) break;
  }
  printf("made %d levels, then %d\n", n, errno);
}

static void descriptors(void) {
  int n = 0;
  while (open("/dev/null", O_RDONLY) >= 0) n++;
  printf("opened %d more, then %d\n", n, errno);
}

static void memory(void) {
  int n = 0;
  char *volatile p; // or the compiler finds that nothing is allocated at all
  for (; (p = malloc(1 << 20)) != NULL; n++) memset(p, 1, 1 << 20);
  printf("allocated %d MiB, then %d\n", n, errno);
}

int main(void) {
  const char *rule = getenv("QUERY_STRING");
  printf("Content-Type: text/plain\n\n");
  if (strcmp(rule, "errnos") == 0) errnos();
  else if (strcmp(rule, "bytes") == 0) fill("/tmp/f");
  else if (strcmp(rule, "holes") == 0) holes();
  else if (strcmp(rule, "names") == 0) names();
  else if (strcmp(rule, "levels") == 0) levels();
  else if (strcmp(rule, "descriptors") == 0) descriptors();
  else if (strcmp(rule, "memory") == 0) memory();
  else printf("unknown rule %s\n", rule);
  return 0;
}
