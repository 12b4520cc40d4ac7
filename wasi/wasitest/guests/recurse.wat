;; Runs for ever without a loop and without a deep stack: each of 64 levels calls the one below twice, 2^65 calls in
;; all. There is no output.
(module
  (memory (export "memory") 1)

  (func $fork (param $level i32)
    (if (local.get $level)
      (then
        (call $fork (i32.sub (local.get $level) (i32.const 1)))
        (call $fork (i32.sub (local.get $level) (i32.const 1))))))

  (func (export "_start")
    (call $fork (i32.const 64))))
