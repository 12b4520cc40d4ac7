;; Recurses without a bound until the call stack is exhausted, which is a trap. There is no output.
(module
  (memory (export "memory") 1)

  ;; The addition keeps the call from being the last thing done.
  (func $deeper (param $depth i32) (result i32)
    (i32.add (i32.const 1) (call $deeper (i32.add (local.get $depth) (i32.const 1)))))

  (func (export "_start")
    (drop (call $deeper (i32.const 0)))))
