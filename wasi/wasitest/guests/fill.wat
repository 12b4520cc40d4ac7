;; Fills 512 MiB of memory again and again. It needs as much, and there is no output.
(module
  (memory (export "memory") 8192)

  (func (export "_start")
    (loop $again
      (memory.fill (i32.const 0) (i32.const 1) (i32.const 0x20000000))
      (br $again))))
