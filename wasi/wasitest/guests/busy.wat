;; Spends nine parts of ten of what it computes in function 2, and one in function 3, and the time of the host in
;; random_get. It has two imports, so that its own functions begin with 2; 4 calls those, and is called by 5.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random_get (param i32 i32) (result i32)))
  (memory (export "memory") 8)
  (data (i32.const 64) "Content-Type: text/plain\n\nbusy\n")

  (func $hot (param $n i32)
    (loop $again
      (i32.store (i32.const 16) (i32.mul (i32.load (i32.const 16)) (i32.const 3)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))

  (func $cold (param $n i32)
    (loop $again
      (i32.store (i32.const 20) (i32.mul (i32.load (i32.const 20)) (i32.const 5)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))

  (func $both (param $n i32)
    (call $hot (i32.mul (local.get $n) (i32.const 9)))
    (call $cold (local.get $n)))

  (func (export "_start")
    (local $n i32)
    (local.set $n (i32.const 10))
    (loop $again
      (call $both (i32.const 100))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (drop (call $random_get (i32.const 1024) (i32.const 40000)))
    (i32.store (i32.const 0) (i32.const 64))
    (i32.store (i32.const 4) (i32.const 31))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))
