;; A reactor after the http-wasm handler ABI that imports nothing: _initialize does nothing, handle_request returns 0
;; (the response stands as it is: 200 and empty).
(module
  (memory (export "memory") 1)

  (func (export "_initialize"))

  (func (export "handle_request") (result i64)
    (i64.const 0))

  (func (export "handle_response") (param $context i32) (param $failed i32)))
