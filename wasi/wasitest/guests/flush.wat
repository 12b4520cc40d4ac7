;; Answers with the line "first", flushes standard output with fd_sync (whose errno it ignores), sleeps for 100 ms in
;; poll_oneoff, and goes on with the line "second".
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_sync" (func $fd_sync (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll_oneoff (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 64) "Content-Type: text/plain\n\nfirst\n")
  (data (i32.const 128) "second\n")

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

  ;; sleep waits ns nanoseconds on the monotonic clock. It uses bytes 512 to 640.
  (func $sleep (param $ns i64)
    (i32.store (i32.const 528) (i32.const 1)) ;; the clock
    (i64.store (i32.const 536) (local.get $ns))
    (drop (call $poll_oneoff (i32.const 512) (i32.const 560) (i32.const 1) (i32.const 600))))

  (func (export "_start")
    (call $write (i32.const 1) (i32.const 64) (i32.const 32))
    (drop (call $fd_sync (i32.const 1)))
    (call $sleep (i64.const 100_000_000))
    (call $write (i32.const 1) (i32.const 128) (i32.const 7))))
