;; The guest that answers `/` when there is no configuration: one constant page. It is written by
;; hand so that the host needs no toolchain to show something; nothing here depends on the request.
(component
  ;; The types of wit/types.wit. A component's functions may only use types that have a name.
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

  (core module $page
    (memory (export "memory") 1)

    ;; The heap holds the request, and ends after each answer.
    (global $heap (mut i32) (i32.const 2480))

    ;; Allocates from the heap's top, growing the memory when it is full; a refusal traps. An
    ;; older block is not freed, and its bytes move to the new one.
    (func (export "realloc")
      (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
      (local $block i32) (local $missing i32)
      (local.set $block
        (i32.and
          (i32.add (global.get $heap) (i32.sub (local.get $align) (i32.const 1)))
          (i32.sub (i32.const 0) (local.get $align))))
      (global.set $heap (i32.add (local.get $block) (local.get $size)))
      ;; Past 4 GiB the sum wraps around.
      (if (i32.lt_u (global.get $heap) (local.get $block)) (then unreachable))
      (local.set $missing
        (i32.sub
          (i32.shr_u (i32.sub (global.get $heap) (i32.const 1)) (i32.const 16))
          (i32.sub (memory.size) (i32.const 1))))
      (if (i32.gt_s (local.get $missing) (i32.const 0)) (then
        (if (i32.eq (memory.grow (local.get $missing)) (i32.const -1)) (then unreachable))))
      (memory.copy (local.get $block) (local.get $old) (local.get $old-size))
      (local.get $block))

    (func (export "handle") (param $request i32) (result i32) (i32.const 16))

    ;; An instance may serve several requests: each starts with an empty heap.
    (func (export "done") (param $response i32) (global.set $heap (i32.const 2480)))

    ;; The response at 16: status 200, two fields at 64, the body of 1443 bytes at 1024.
    (data (i32.const 16) "\c8\00\00\00\40\00\00\00\02\00\00\00\00\04\00\00\a3\05\00\00")
    (data (i32.const 64)
      "\00\01\00\00\0c\00\00\00\0c\01\00\00\18\00\00\00"
      "\24\01\00\00\0d\00\00\00\31\01\00\00\08\00\00\00")
    (data (i32.const 256) "content-type" "text/html; charset=utf-8" "cache-control" "no-store")
    (data (i32.const 1024)
      "<!doctype html>\n"
      "<html lang=\"en\">\n"
      "<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width\">\n"
      "<title>httpd-host</title>\n"
      "<style>\n"
      "body { font: 1rem/1.5 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto; padding: 0 1rem }\n"
      "pre { padding: .8rem 1rem; overflow: auto; border: 1px solid #8886; border-radius: .4rem }\n"
      "</style>\n"
      "<h1>It works</h1>\n"
      "<p>httpd-host runs without a configuration, and this page is its built-in guest: a WebAssembly\n"
      "component of a few lines. Your own takes a minute.</p>\n"
      "<p>1. A library, <code>first/Cargo.toml</code>:</p>\n"
      "<pre>[package]\n"
      "name = \"first\"\n"
      "edition = \"2024\"\n"
      "\n"
      "[lib]\n"
      "crate-type = [\"cdylib\"]\n"
      "\n"
      "[dependencies]\n"
      "httpd-guest = { path = \"../guest-sdk\" }</pre>\n"
      "<p>2. One function, <code>first/src/lib.rs</code>:</p>\n"
      "<pre>use httpd_guest::{Request, Response};\n"
      "\n"
      "#[httpd_guest::handler]\n"
      "fn handle(request: Request) -&gt; Response {\n"
      "    Response::text(format!(\"Hello from {}\", request.path()))\n"
      "}</pre>\n"
      "<p>3. Build it for wasm32-unknown-unknown, with wasm-component-ld as the linker:</p>\n"
      "<pre>cd first\n"
      "rustup target add wasm32-unknown-unknown\n"
      "export RUSTFLAGS=\"-C linker=wasm-component-ld\"\n"
      "cargo build --release --target wasm32-unknown-unknown</pre>\n"
      "<p>4. Give it a path, <code>config.toml</code>:</p>\n"
      "<pre>[guests.first]\n"
      "component = \"first/target/wasm32-unknown-unknown/release/first.wasm\"\n"
      "\n"
      "[[routes]]\n"
      "path = \"/\"\n"
      "guest = \"first\"</pre>\n"
      "<p>5. Serve it:</p>\n"
      "<pre>httpd-host --config config.toml</pre>\n"
      "</html>\n"
    )
  )
  (core instance $instance (instantiate $page))
  (func (export "handle") (param "request" $request) (result $response)
    (canon lift
      (core func $instance "handle")
      (memory (core memory $instance "memory"))
      (realloc (core func $instance "realloc"))
      (post-return (core func $instance "done")))))
