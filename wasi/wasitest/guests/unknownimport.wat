;; Imports the functions foo and bar from the module "env", which no host of ours has, and does nothing.
(module
  (import "env" "foo" (func (param i32) (result i32)))
  (import "env" "bar" (func))
  (memory (export "memory") 1)
  (func (export "_start")))
