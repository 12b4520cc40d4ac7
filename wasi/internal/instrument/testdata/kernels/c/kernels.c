// Guests of the benchmarks: each runs its work n times and returns a checksum.
#define EXPORT(name) __attribute__((export_name(name)))
typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;

static u32 state[1 << 16];
static u8 bytes[1 << 16];

// primes is a sieve: short inner loops with stores.
EXPORT("primes") long long primes(int n) {
  long long sum = 0;
  for (int round = 0; round < n; round++) {
    for (int i = 0; i < (1 << 16); i++) bytes[i] = 1;
    for (int i = 2; i < (1 << 16); i++) {
      if (!bytes[i]) continue;
      sum += i;
      for (int j = 2 * i; j < (1 << 16); j += i) bytes[j] = 0;
    }
  }
  return sum;
}

// hash is FNV over a buffer: one tight loop with a chain of dependent multiplications.
EXPORT("hash") long long hash(int n) {
  u64 h = 14695981039346656037ull;
  for (int round = 0; round < n; round++)
    for (int i = 0; i < (1 << 16); i++) h = (h ^ bytes[i]) * 1099511628211ull;
  return (long long)h;
}

// ackermann is recursion and little else.
static int ackermann(int m, int n) {
  if (m == 0) return n + 1;
  if (n == 0) return ackermann(m - 1, 1);
  return ackermann(m - 1, ackermann(m, n - 1));
}
EXPORT("ackermann") long long ack(int n) {
  long long sum = 0;
  for (int round = 0; round < n; round++) sum += ackermann(2, 120 + round % 2);
  return sum;
}

// queue is a binary heap ordered through a function pointer, as qsort's users have it.
static int less(u32 a, u32 b) { return a < b; }
static int more(u32 a, u32 b) { return a > b; }
typedef int (*order)(u32, u32);
static order orders[2] = {less, more};
EXPORT("queue") long long queue(int n) {
  u32 x = 1;
  long long sum = 0;
  for (int round = 0; round < n; round++) {
    volatile int pick = round & 1;
    order before = orders[pick];
    int size = 0;
    for (int i = 0; i < 4000; i++) {
      x = x * 1664525u + 1013904223u;
      int at = size++;
      while (at > 0 && before(x, state[(at - 1) / 2])) {
        state[at] = state[(at - 1) / 2];
        at = (at - 1) / 2;
      }
      state[at] = x;
    }
    sum += state[0];
  }
  return sum;
}
