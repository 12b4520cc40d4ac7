;; Calls a function through a table as one of another type: a trap before any output.
(module
  (memory (export "memory") 1)
  (table 2 funcref)
  (elem (i32.const 0) $other)
  (func $other (param i64))

  (func (export "_start")
    (call_indirect (i32.const 0))))
