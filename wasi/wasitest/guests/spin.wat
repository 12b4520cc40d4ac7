;; Runs an endless loop that calls nothing, before any output.
(module
  (memory (export "memory") 1)

  (func (export "_start")
    (loop $again (br $again))))
