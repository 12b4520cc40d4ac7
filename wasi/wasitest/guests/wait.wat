;; Waits for a notification that nobody can send, without a timeout. There is no output.
(module
  (memory (export "memory") 1 1 shared)

  (func (export "_start")
    (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1)))))
