;; Answers with its environment, a line for each variable: NAME=value, in the order of environ_get. There is room for
;; 192 KiB and 15,360 variables; more is a trap.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_get" (func $environ_get (param i32 i32) (result i32)))
  (memory (export "memory") 4)
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

  (func (export "_start")
    (local $ptr i32)
    (local $end i32)
    (if (call $environ_sizes_get (i32.const 16) (i32.const 20)) (then (unreachable)))
    (if (call $environ_get (i32.const 4096) (i32.const 65536)) (then (unreachable)))
    (local.set $ptr (i32.const 65536))
    (local.set $end (i32.add (i32.const 65536) (i32.load (i32.const 20))))
    (block $done
      (loop $next
        (br_if $done (i32.eq (local.get $ptr) (local.get $end)))
        (if (i32.eqz (i32.load8_u (local.get $ptr)))
          (then (i32.store8 (local.get $ptr) (i32.const 10))))
        (local.set $ptr (i32.add (local.get $ptr) (i32.const 1)))
        (br $next)))
    (call $write (i32.const 1) (i32.const 64) (i32.const 26))
    (call $write (i32.const 1) (i32.const 65536) (i32.load (i32.const 20)))))
