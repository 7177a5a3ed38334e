;; The frame of the tests' guests: the world of wit/, with a core module's fields put in place of
;; the line that says CORE, among a memory, `$realloc` and `$write`. It is put together as
;; wit-component does it: what it lowers needs the memory of the module that imports it, so a shim
;; stands for that until a fixup has put it into the shim's table.
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

  (core module $guest
    (import "log" "write" (func $write (param $level i32) (param $text i32) (param $size i32)))
    ;; A page for the guest's own data, and a heap behind it that grows when it must.
    (memory (export "memory") 1)
    (global $heap (mut i32) (i32.const 65536))
    (func $realloc (export "realloc") (param i32 i32) (param $align i32) (param $size i32) (result i32)
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
      (local.get $block))
    ;; CORE
  )
  (core module $shim
    (type (func (param i32 i32 i32)))
    (table (export "$imports") 1 1 funcref)
    (func (export "0") (type 0)
      (call_indirect (type 0) (local.get 0) (local.get 1) (local.get 2) (i32.const 0))))
  (core module $fixup
    (type (func (param i32 i32 i32)))
    (import "" "0" (func $write (type 0)))
    (import "" "$imports" (table 1 1 funcref))
    (elem (i32.const 0) func $write))
  (core instance $shim (instantiate $shim))
  (core instance $guest (instantiate $guest
    (with "log" (instance (export "write" (func $shim "0"))))))
  (core func $write
    (canon lower (func $log "write") (memory (core memory $guest "memory"))))
  (core instance (instantiate $fixup
    (with "" (instance (export "0" (func $write)) (export "$imports" (table $shim "$imports"))))))
  (func (export "handle") (param "request" $request) (result $response)
    (canon lift
      (core func $guest "handle")
      (memory (core memory $guest "memory"))
      (realloc (core func $guest "realloc")))))
