;; Exports a memory and a function "run", but nothing that a host would call: neither _start nor handle_request.
(module
  (memory (export "memory") 1)
  (func (export "run")))
