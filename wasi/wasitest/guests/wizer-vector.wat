;; Its initialiser changes a global of 128 bits, and it answers with its upper half: "5".
;; A host cannot keep that in a snapshot.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 64) "Content-Type: text/plain\n\n \n")
  (global $five (mut v128) (v128.const i64x2 0 0))
  (func (export "wizer.initialize") (global.set $five (v128.const i64x2 0 53)))

  (func (export "_start")
    (i32.store8 (i32.const 90) (i32.wrap_i64 (i64x2.extract_lane 1 (global.get $five))))
    (i32.store (i32.const 0) (i32.const 64))
    (i32.store (i32.const 4) (i32.const 28))
    (if (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))
      (then (unreachable)))))
