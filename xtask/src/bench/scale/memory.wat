(component
  (type $types (instance
    (type $field' (record (field "name" string) (field "value" (list u8))))
    (export "field" (type $field (eq $field')))
    (type $capture' (record (field "name" string) (field "value" string)))
    (export "capture" (type $capture (eq $capture')))
    (type $request' (record
      (field "id" string)
      (field "client" string)
      (field "method" string)
      (field "scheme" string)
      (field "authority" (option string))
      (field "path" string)
      (field "query" (option string))
      (field "fields" (list $field))
      (field "captures" (list $capture))
      (field "body" (list u8))))
    (export "request" (type (eq $request')))
    (type $response' (record
      (field "status" u16)
      (field "fields" (list $field))
      (field "body" (list u8))))
    (export "response" (type (eq $response')))))
  (import "httpd:guest/types@0.1.0" (instance $httpd (type $types)))
  (alias export $httpd "request" (type $request))
  (alias export $httpd "response" (type $response))

  (core module $module
    (memory (export "memory") (;pages;))
    (global $heap (mut i32) (i32.const 64))
    ;; Requests that are loaded here fit in the first page.
    (func (export "realloc")
      (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
      (local $block i32)
      (local.set $block
        (i32.and
          (i32.add (global.get $heap) (i32.sub (local.get $align) (i32.const 1)))
          (i32.sub (i32.const 0) (local.get $align))))
      (global.set $heap (i32.add (local.get $block) (local.get $size)))
      (local.get $block))
    (func (export "handle") (param $request i32) (result i32)
      (;work;)
      (i32.const 16))
    (data (i32.const 16) "\c8\00\00\00"))
  (core instance $instance (instantiate $module))
  (func (export "handle") (param "request" $request) (result $response)
    (canon lift
      (core func $instance "handle")
      (memory (core memory $instance "memory"))
      (realloc (core func $instance "realloc")))))
