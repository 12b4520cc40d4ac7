;; Answers with the upper half of a global vector, which is 2 at first, and adds to it: a decimal number and a line feed.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (global $v (mut v128) (v128.const i64x2 1 2))
  (data (i32.const 64) "Content-Type: text/plain\n\n")

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
    (call $write (i32.const 1) (i32.const 64) (i32.const 26))
    (call $number (i32.wrap_i64 (i64x2.extract_lane 1 (global.get $v))))
    (global.set $v (i64x2.add (global.get $v) (v128.const i64x2 1 1)))))
