;; Answers with exactly as many bytes as its QUERY_STRING says, a decimal number such as 5767168, of the letter "x".
;; Without one the body is empty.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_get" (func $environ_get (param i32 i32) (result i32)))
  (memory (export "memory") 4)
  (data (i32.const 64) "Content-Type: text/plain\n\n")
  (data (i32.const 128) "QUERY_STRING=")

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

  ;; query finds the variable among those at 4096, as many as byte 16 says, and reads its number.
  (func $query (result i32)
    (local $i i32)
    (block $none
      (loop $next
        (br_if $none (i32.eq (local.get $i) (i32.load (i32.const 16))))
        (if (call $matches (call $variable (local.get $i)))
          (then (return (call $parse (i32.add (call $variable (local.get $i)) (i32.const 13))))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $next)))
    (i32.const 0))

  (func $variable (param $i i32) (result i32)
    (i32.load (i32.add (i32.const 4096) (i32.mul (local.get $i) (i32.const 4)))))

  ;; matches tells whether the variable at ptr begins with the 13 bytes of "QUERY_STRING=".
  (func $matches (param $ptr i32) (result i32)
    (local $i i32)
    (loop $next
      (if (i32.ne (i32.load8_u (i32.add (local.get $ptr) (local.get $i)))
                  (i32.load8_u (i32.add (i32.const 128) (local.get $i))))
        (then (return (i32.const 0))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $i) (i32.const 13))))
    (i32.const 1))

  ;; parse reads the digits at ptr up to the zero byte.
  (func $parse (param $ptr i32) (result i32)
    (local $n i32)
    (block $done
      (loop $digit
        (br_if $done (i32.eqz (i32.load8_u (local.get $ptr))))
        (local.set $n (i32.add (i32.mul (local.get $n) (i32.const 10))
          (i32.sub (i32.load8_u (local.get $ptr)) (i32.const 48))))
        (local.set $ptr (i32.add (local.get $ptr) (i32.const 1)))
        (br $digit)))
    (local.get $n))

  (func (export "_start")
    (local $left i32)
    (local $block i32)
    (if (call $environ_sizes_get (i32.const 16) (i32.const 20)) (then (unreachable)))
    (if (call $environ_get (i32.const 4096) (i32.const 65536)) (then (unreachable)))
    (local.set $left (call $query))
    (call $write (i32.const 1) (i32.const 64) (i32.const 26))
    (memory.fill (i32.const 65536) (i32.const 120) (i32.const 65536))
    (loop $more
      (local.set $block (select (local.get $left) (i32.const 65536)
        (i32.lt_u (local.get $left) (i32.const 65536))))
      (call $write (i32.const 1) (i32.const 65536) (local.get $block))
      (local.set $left (i32.sub (local.get $left) (local.get $block)))
      (br_if $more (local.get $left)))))
