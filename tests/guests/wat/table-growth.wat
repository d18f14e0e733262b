;; Grows its table until the host refuses or ten million entries are reached; answers `refused` or `grown`.
(component
  (import "usher:function/types@0.1.0" (instance $types
    (type $field-shape (tuple string string))
    (export "field" (type $field (eq $field-shape)))
    (type $request-shape (record
      (field "id" string)
      (field "method" string)
      (field "path" string)
      (field "query" (list $field))
      (field "headers" (list $field))
      (field "body" (list u8))
      (field "client-ip" string)
      (field "subscribe-key" string)))
    (export "request" (type (eq $request-shape)))
    (type $response-shape (record
      (field "status" u16)
      (field "headers" (list $field))
      (field "body" (list u8))))
    (export "response" (type (eq $response-shape)))))
  (alias export $types "request" (type $request))
  (alias export $types "response" (type $response))

  (core module $guest
    (memory (export "memory") 1)
    (table $entries 1 funcref)
    (data (i32.const 0) "refused")
    (data (i32.const 8) "grown")
    ;; Where the next argument goes: behind the texts and the result.
    (global $free (mut i32) (i32.const 64))

    (func (export "realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
      (local $start i32)
      (local.set $start (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
      (global.set $free (i32.add (local.get $start) (local.get $size)))
      (local.get $start))

    (func (export "handle")
      (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)
      (result i32)
      (loop $more
        (if (i32.eq (table.grow $entries (ref.null func) (i32.const 100000)) (i32.const -1))
          (then (return (call $answer (i32.const 0) (i32.const 7)))))
        (br_if $more (i32.lt_u (table.size $entries) (i32.const 10000000))))
      (call $answer (i32.const 8) (i32.const 5)))

    ;; The result at 32: ok, status 200, no headers, the text as body.
    (func $answer (param $text i32) (param $length i32) (result i32)
      (i32.store8 (i32.const 32) (i32.const 0))
      (i32.store16 (i32.const 36) (i32.const 200))
      (i32.store (i32.const 40) (i32.const 0))
      (i32.store (i32.const 44) (i32.const 0))
      (i32.store (i32.const 48) (local.get $text))
      (i32.store (i32.const 52) (local.get $length))
      (i32.const 32)))

  (core instance $guest (instantiate $guest))
  (alias core export $guest "memory" (core memory $memory))
  (alias core export $guest "realloc" (core func $realloc))
  (alias core export $guest "handle" (core func $handle))
  (type $on-request (func (param "request" $request) (result (result $response (error string)))))
  (func $lifted (type $on-request) (canon lift (core func $handle) (memory $memory) (realloc $realloc)))
  (export "handle" (func $lifted)))
