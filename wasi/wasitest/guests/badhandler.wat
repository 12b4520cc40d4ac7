;; A handler by what it imports, and in nothing else: get_method has another type, handle_request returns an i32, and
;; handle_response is missing.
(module
  (import "http_handler" "get_method" (func (param i64) (result i32)))
  (memory (export "memory") 1)
  (func (export "handle_request") (result i32) (i32.const 0)))
