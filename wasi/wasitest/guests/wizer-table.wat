;; Its initialiser changes a table, and it answers with what the function there returns: "5".
;; A host cannot keep that in a snapshot.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 64) "Content-Type: text/plain\n\n \n")
  (table 1 funcref)
  (elem declare func $five)
  (type $number (func (result i32)))
  (func $five (result i32) (i32.const 53))
  (func (export "wizer.initialize") (table.set 0 (i32.const 0) (ref.func $five)))

  (func (export "_start")
    (i32.store8 (i32.const 90) (call_indirect (type $number) (i32.const 0)))
    (i32.store (i32.const 0) (i32.const 64))
    (i32.store (i32.const 4) (i32.const 28))
    (if (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))
      (then (unreachable)))))
