;; Initialises itself, and exports a memory as wizer.resume, which is no function: requests begin at _start, and are
;; answered with what the initialiser has left: "5".
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") (export "wizer.resume") 1)
  (data (i32.const 64) "Content-Type: text/plain\n\n \n")
  (func (export "wizer.initialize") (i32.store8 (i32.const 90) (i32.const 53)))

  (func (export "_start")
    (i32.store (i32.const 0) (i32.const 64))
    (i32.store (i32.const 4) (i32.const 28))
    (if (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))
      (then (unreachable)))))
