;; Imports its memory from the module "env", as programs for browsers do, and does nothing.
(module
  (import "env" "memory" (memory 1))
  (export "memory" (memory 0))
  (func (export "_start")))
