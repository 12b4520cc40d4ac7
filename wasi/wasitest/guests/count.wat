;; A handler that answers with how many requests it has had, a digit. Its initialiser writes the zero that it counts from.
(module
  (import "http_handler" "write_body" (func $write_body (param i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 64) "?\n")
  (func (export "_initialize") (i32.store8 (i32.const 64) (i32.const 48)))
  (func (export "handle_request") (result i64)
    (i32.store8 (i32.const 64) (i32.add (i32.load8_u (i32.const 64)) (i32.const 1)))
    (call $write_body (i32.const 1) (i32.const 64) (i32.const 2))
    (i64.const 0))
  (func (export "handle_response") (param i32 i32)))
