;; Creates the file "x" in the second preopened directory (descriptor 4, "/tmp"), which must not exist yet, and writes
;; six bytes to it. Answers "fresh", or the errno of path_open in decimal: 20 (EEXIST) if another run left the file
;; behind.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open" (func $path_open
    (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 64) "Content-Type: text/plain\n\n")
  (data (i32.const 128) "fresh\n")
  (data (i32.const 256) "x")

  ;; write hands len bytes at ptr to fd, in as many calls as it takes, and traps on an error. It uses bytes 0 to 12.
  (func $write (param $fd i32) (param $ptr i32) (param $len i32)
    (block $done
      (loop $more
        (br_if $done (i32.eqz (local.get $len)))
        (i32.store (i32.const 0) (local.get $ptr))
        (i32.store (i32.const 4) (local.get $len))
        (if (call $fd_write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8))
          (then (unreachable)))
        (local.set $ptr (i32.add (local.get $ptr) (i32.load (i32.const 8))))
        (local.set $len (i32.sub (local.get $len) (i32.load (i32.const 8))))
        (br $more))))

  ;; number writes n to standard output in decimal, and a line feed. It uses bytes 32 to 48.
  (func $number (param $n i32)
    (local $ptr i32)
    (local.set $ptr (i32.const 48))
    (i32.store8 (i32.const 48) (i32.const 10))
    (loop $digit
      (local.set $ptr (i32.sub (local.get $ptr) (i32.const 1)))
      (i32.store8 (local.get $ptr)
        (i32.add (i32.const 48) (i32.rem_u (local.get $n) (i32.const 10))))
      (br_if $digit (local.tee $n (i32.div_u (local.get $n) (i32.const 10)))))
    (call $write (i32.const 1) (local.get $ptr) (i32.sub (i32.const 49) (local.get $ptr))))

  (func (export "_start")
    (local $errno i32)
    (local.set $errno (call $path_open (i32.const 4) (i32.const 0) (i32.const 256) (i32.const 1)
      (i32.const 5) (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 20)))
    (call $write (i32.const 1) (i32.const 64) (i32.const 26))
    (if (local.get $errno)
      (then (call $number (local.get $errno)))
      (else
        (call $write (i32.load (i32.const 20)) (i32.const 128) (i32.const 6))
        (call $write (i32.const 1) (i32.const 128) (i32.const 6))))))
