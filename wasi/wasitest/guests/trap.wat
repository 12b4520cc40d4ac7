;; Traps (unreachable) before any output.
(module
  (memory (export "memory") 1)

  (func (export "_start")
    (unreachable)))
