;; Reads beyond the end of its memory: a trap before any output.
(module
  (memory (export "memory") 1)

  (func (export "_start")
    (drop (i32.load (i32.const 65533)))))
