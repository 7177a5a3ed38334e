;; The same as guest.wat with memory and heap in a module of their own: more than one module makes
;; a component of which nothing is left out.
(component
  (type $types (instance
    (type $field' (record (field "name" string) (field "value" (list u8))))
    (export "field" (type $field (eq $field')))
    (type $capture' (record (field "name" string) (field "value" string)))
    (export "capture" (type $capture (eq $capture')))
    (type $request' (record
      (field "id" string) (field "client" string) (field "method" string)
      (field "scheme" string) (field "authority" (option string)) (field "path" string)
      (field "query" (option string)) (field "fields" (list $field))
      (field "captures" (list $capture)) (field "body" (list u8))))
    (export "request" (type (eq $request')))
    (type $response' (record
      (field "status" u16) (field "fields" (list $field)) (field "body" (list u8))))
    (export "response" (type (eq $response')))))
  (import "httpd:guest/types@0.1.0" (instance $httpd (type $types)))
  (alias export $httpd "request" (type $request))
  (alias export $httpd "response" (type $response))
  (import "httpd:guest/log@0.1.0" (instance $log
    (type $level' (enum "trace" "debug" "info" "warn" "error"))
    (export "level" (type $level (eq $level')))
    (export "write" (func (param "level" $level) (param "message" string)))))

  ;; A page for the guest's own data, and a heap behind it that grows when it must.
  (core module $libc
    (memory (export "memory") 1)
    (global $heap (mut i32) (i32.const 65536))
    (func (export "realloc") (param i32 i32) (param $align i32) (param $size i32) (result i32)
      (local $block i32) (local $missing i32)
      (local.set $block (i32.and
        (i32.add (global.get $heap) (i32.const 7))
        (i32.const -8)))
      (global.set $heap (i32.add (local.get $block) (local.get $size)))
      (local.set $missing (i32.sub
        (i32.shr_u (i32.add (global.get $heap) (i32.const 65535)) (i32.const 16))
        (memory.size)))
      (if (i32.gt_s (local.get $missing) (i32.const 0)) (then
        (if (i32.eq (memory.grow (local.get $missing)) (i32.const -1)) (then unreachable))))
      (local.get $block)))
  (core instance $libc (instantiate $libc))
  (core func $write (canon lower (func $log "write") (memory (core memory $libc "memory"))))
  (core module $guest
    (import "libc" "memory" (memory 1))
    (import "libc" "realloc" (func $realloc (param i32 i32 i32 i32) (result i32)))
    (import "log" "write" (func $write (param $level i32) (param $text i32) (param $size i32)))
    ;; CORE
  )
  (core instance $guest (instantiate $guest
    (with "libc" (instance $libc))
    (with "log" (instance (export "write" (func $write))))))
  (func (export "handle") (param "request" $request) (result $response)
    (canon lift
      (core func $guest "handle")
      (memory (core memory $libc "memory"))
      (realloc (core func $libc "realloc")))))
