;; Its initialiser uses a data segment up and drops it, and it answers with what was there: "5".
;; A host cannot keep that in a snapshot.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 64) "Content-Type: text/plain\n\n \n")
  (data $five "5")
  (func (export "wizer.initialize") (memory.init $five (i32.const 128) (i32.const 0) (i32.const 1)) (data.drop $five))

  (func (export "_start")
    (i32.store8 (i32.const 90) (i32.load8_u (i32.const 128)))
    (i32.store (i32.const 0) (i32.const 64))
    (i32.store (i32.const 4) (i32.const 28))
    (if (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))
      (then (unreachable)))))
