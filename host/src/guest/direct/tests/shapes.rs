//! Which components are nothing but one module, and that nothing else is taken for one.

use super::super::{Codes, Direct, Plain, shape};
use crate::guest::compile_pool::CompilePool;
use crate::guest::tests::{component, component_apart};
use crate::guest::{Priority, WELCOME};
use std::fmt::Write;
use wasmtime::component::Component;
use wasmtime::{Config, Engine};

const ANSWERS: &str = "(func (export \"handle\") (param i32) (result i32) (i32.const 0))";

fn made_ready(binary: &[u8]) -> Option<Direct> {
    let pool = CompilePool::new(0);
    let jobs = pool.at(Priority::Start);
    Direct::new(&engine(), &Codes::default(), &Plain::read(binary)?, &jobs)
}

fn is_whole(text: &str) -> bool {
    let binary = wat::parse_str(text).unwrap();
    shape::read(&binary).is_some()
}

#[test]
fn a_module_alone_or_with_shim_and_fixup_is_whole() {
    assert!(is_whole(WELCOME));
    let text = component(ANSWERS);
    let binary = wat::parse_str(&text).unwrap();
    let whole = shape::read(&binary).unwrap();
    assert_eq!((whole.log, whole.memory), (Some("log"), "memory"));
    assert_eq!(
        (whole.calls.realloc, whole.calls.handle),
        ("realloc", "handle")
    );
    assert_eq!(whole.calls.post_return, None);
    assert!(!is_whole(&component_apart(ANSWERS)));
}

/// wit-component makes this of a module that has an `_initialize`.
fn started(text: &str) -> String {
    let handle = "  (func (export \"handle\")";
    let starter = "  (core module $starter
    (import \"main\" \"begin\" (func))
    (start 0))
  (core instance (instantiate $starter (with \"main\" (instance $guest))))
";
    text.replacen(handle, &format!("{starter}{handle}"), 1)
}

#[test]
fn a_module_that_another_one_starts_is_whole() {
    let core = format!("(func (export \"begin\")) {ANSWERS}");
    let binary = wat::parse_str(started(&component(&core))).unwrap();
    let whole = shape::read(&binary).unwrap();
    assert_eq!((whole.start, whole.log), (Some("begin"), Some("log")));
    // With two of them nobody knows.
    assert!(!is_whole(&started(
        &started(&component(&core)).replace("$starter", "$first")
    )));
    // Of another instance than the guest's.
    let other = "(core module $other (func (export \"begin\")))
        (core instance $other (instantiate $other))";
    let text = started(&component(&core)).replacen(
        "  (core module $starter",
        &format!("{other} (core module $starter"),
        1,
    );
    assert!(!is_whole(&text));
}

/// Changes after which the component is as good as before, but is not its module any more.
#[test]
fn whatever_differs_is_called_the_usual_way() {
    let text = component(ANSWERS);
    let shim = "(local.get 0) (local.get 1) (local.get 2) (i32.const 0)";
    let changes = [
        (
            shim,
            "(local.get 0) (local.get 2) (local.get 1) (i32.const 0)",
        ),
        (
            shim,
            "(i32.const 4) (local.get 1) (local.get 2) (i32.const 0)",
        ),
        (
            shim,
            "(local.get 0) (local.get 1) (local.get 2) (i32.const 1)",
        ),
        (
            "(export \"$imports\") 1 1 funcref",
            "(export \"$imports\") 2 2 funcref) (memory 1",
        ),
        (
            "(elem (i32.const 0) func $write)",
            "(elem (i32.const 0) func)",
        ),
        ("(elem (i32.const 0) func $write)", "(elem func $write)"),
        (
            "(elem (i32.const 0) func $write)",
            "(elem (i32.const 0) func $write) (func $start) (start $start)",
        ),
        (
            "  (core instance $shim (",
            "  (core instance (instantiate $shim)) (core instance $shim (",
        ),
        (
            "(canon lower (func $log \"write\")",
            "(canon lower (func $log \"write\") string-encoding=latin1+utf16",
        ),
        (
            "      (realloc (core func $guest \"realloc\"))",
            "      (realloc (core func $guest \"realloc\")) string-encoding=utf16",
        ),
        (
            "(memory (export \"memory\") 1)",
            "(memory (export \"memory\") 1) (import \"log\" \"write\" (func))",
        ),
        ("(component\n", "(component (component)\n"),
        (
            "(component\n",
            "(component (import \"other\" (instance (export \"f\" (func))))\n",
        ),
        ("(component\n", "(component (import \"f\" (func))\n"),
        ("\"httpd:guest/log@0.1.0\"", "\"httpd:guest/log@0.2.0\""),
        ("\"write\" (func (param", "\"note\" (func (param"),
    ];
    let mut valid = 0;
    for (from, to) in changes {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from}");
        let Ok(binary) = wat::parse_str(&changed) else {
            continue;
        };
        assert!(shape::read(&binary).is_none(), "{to}");
        valid += usize::from(Component::from_binary(&engine(), &binary).is_ok());
    }
    assert!(valid >= 9, "{valid} of them are components");
}

/// Its code is not validated before something is added to it: nothing in there may come to mean
/// what was added.
#[test]
fn what_a_module_does_not_have_is_not_what_was_added_to_it() {
    // Behind the last of its own, one of these is the first that is not there.
    let mut codes = vec!["(func (drop (call 4294967295 (i32.const 0))))".to_owned()];
    for number in 0..10 {
        codes.push(format!("(func (call {number}))"));
        codes.push(format!("(func (block (type {number})))"));
    }
    let mut valid = 0;
    for code in &codes {
        for text in [component(&format!("{ANSWERS} {code}")), welcome_and(code)] {
            let binary = wat::parse_str(&text).unwrap();
            let is_valid = Component::from_binary(&engine(), &binary).is_ok();
            assert_eq!(made_ready(&binary).is_some(), is_valid, "{code}");
            valid += usize::from(is_valid);
        }
    }
    assert!((1..codes.len()).contains(&valid), "{valid}");
}

/// The built-in guest with more in its module.
fn welcome_and(fields: &str) -> String {
    let module = "(core module $page";
    let first = WELCOME.find(module).unwrap() + module.len();
    // Behind all others, so that its own functions keep their numbers.
    let end = WELCOME[first..].find("(core instance").unwrap() + first;
    let last = WELCOME[..end].rfind(')').unwrap();
    format!("{} {fields} {}", &WELCOME[..last], &WELCOME[last..])
}

/// Names are no code, and nobody validates them.
#[test]
fn names_of_what_is_not_there_do_no_harm() {
    for number in [0_u32, 1, 7, 8, 9, u32::MAX] {
        // A name section: a map of functions with one name, by its number as LEB128.
        let mut map = vec![1];
        let mut rest = number;
        loop {
            let byte = (rest & 0x7f) as u8;
            rest >>= 7;
            map.push(byte | if rest == 0 { 0 } else { 0x80 });
            if rest == 0 {
                break;
            }
        }
        map.extend([1, b'x']);
        let mut section = vec![1, u8::try_from(map.len()).unwrap()];
        section.extend(map);
        let mut escaped = String::new();
        for byte in section {
            write!(escaped, "\\{byte:02x}").unwrap();
        }
        let text = welcome_and(&format!("(@custom \"name\" \"{escaped}\")"));
        let binary = wat::parse_str(&text).unwrap();
        assert!(Component::from_binary(&engine(), &binary).is_ok());
        let _ = made_ready(&binary);
    }
}

/// What the usual way refuses is not accepted for being left out.
#[test]
fn what_is_left_out_of_a_component_must_be_as_good() {
    let module = "  (core module $page";
    let shim = "(local.get 0) (local.get 1) (local.get 2) (i32.const 0))";
    for (text, from, to) in [
        (
            WELCOME.to_owned(),
            module,
            "(core module (func (result i32)))",
        ),
        (
            WELCOME.to_owned(),
            module,
            "(import \"a:b/c\" (instance (export \"r\" (type (sub resource)))))",
        ),
        (
            WELCOME.to_owned(),
            module,
            "(import \"r\" (type (sub resource)))",
        ),
        (
            component(ANSWERS),
            "(call_indirect (type 0)",
            "(local i32) (local i64)",
        ),
        (component(ANSWERS), shim, ""),
    ] {
        let changed = if from == shim {
            text.replacen(shim, &format!("{shim} unreachable"), 1)
        } else {
            text.replacen(from, &format!("{to} {from}"), 1)
        };
        assert_ne!(changed, text, "{from}");
        assert!(!is_whole(&changed), "{to}");
    }
}

fn engine() -> Engine {
    Engine::new(&Config::new()).unwrap()
}
