//! The log: one access line for each request, whatever became of it, in both formats.

use serde_json::Value;

use crate::support::*;

/// The numbers and names that every access line has.
const KEYS: [&str; 14] = [
    "id",
    "client",
    "method",
    "target",
    "status",
    "bytes_in",
    "bytes_out",
    "guest",
    "receive_us",
    "instantiate_us",
    "run_us",
    "total_us",
    "memory_peak",
    "timestamp",
];

/// The program, logging JSON.
fn program(sections: &str) -> Program {
    Program::start(&("[log]\nformat = \"json\"\n".to_owned() + sections))
}

/// The access line of the request for a target, with all its keys.
#[track_caller]
fn access(program: &Program, target: &str) -> Value {
    let wanted = format!("\"target\":\"{target}\"");
    let line = program.log.wait_for(target, |line| line.contains(&wanted));
    serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

#[test]
fn an_access_line_tells_what_a_request_was_and_cost() {
    let program = program(&(HELLO.to_owned() + ECHO));
    let mut client = program.connect();
    let request = post("/echo?a=b", zeros(100_000));
    let response = client.request(&request).expect(200);
    let line = access(&program, "/echo?a=b");
    for key in KEYS {
        assert!(line.get(key).is_some(), "no {key} in {line}");
    }
    assert_eq!(line["method"], "POST");
    assert_eq!(line["status"], 200);
    assert_eq!(line["guest"], "echo");
    assert_eq!(line["bytes_in"], request.len());
    assert!(line["bytes_out"].as_u64().unwrap() > response.body.len() as u64);
    assert!(line["client"].as_str().unwrap().starts_with("127.0.0.1:"));
    let number = |key: &str| line[key].as_u64().unwrap();
    assert!(number("run_us") > 0 && number("instantiate_us") > 0);
    assert!(number("total_us") >= number("run_us") + number("instantiate_us"));
    assert!(number("memory_peak") >= 100_000);
}

#[test]
fn a_refusal_is_found_by_the_id_that_the_client_got() {
    let program = program(&(HELLO.to_owned() + &fault("trap", "")));
    let cases = [
        (get("/nowhere"), "/nowhere", 404, "nothing is here"),
        (get("/trap"), "/trap", 500, "the guest trapped"),
        (
            "GET * HTTP/1.1\r\nhost: a\r\n\r\n".to_owned(),
            "-",
            400,
            "asterisk",
        ),
    ];
    for (request, target, status, reason) in cases {
        let response = program.request(request).expect_refusal(status);
        let line = access(&program, target);
        assert_eq!(line["status"], status);
        assert_eq!(line["id"], response.field("x-request-id").unwrap());
        let refused = line["refused"].as_str().unwrap();
        assert!(refused.contains(reason), "{refused}");
    }
}

#[test]
fn every_line_of_json_is_json() {
    let program = program(&(HELLO.to_owned() + &fault("trap", "") + &fault("log-flood", "")));
    for target in ["/hello?name=%22quoted%22\\", "/trap", "/log-flood", "/last"] {
        program.request(get(target));
    }
    access(&program, "/last");
    let lines = program.log.all();
    assert!(lines.len() > 100, "only {} lines", lines.len());
    for line in lines {
        let parsed: Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"));
        assert!(
            parsed["level"].is_string() && parsed["timestamp"].is_string(),
            "{line}"
        );
    }
}

/// They are written by different means.
#[test]
fn a_request_has_the_same_fields_in_both_formats() {
    let programs = [Program::start(HELLO), program(HELLO)];
    for target in ["/hello", "/nowhere"] {
        for program in &programs {
            program.request(get(target));
        }
        let wanted = format!(" target={target} ");
        let text = &programs[0].log;
        let text = text.wait_for(target, |line| line.contains(&wanted));
        let json = access(&programs[1], target);
        for key in json.as_object().unwrap().keys() {
            let is_field = !["timestamp", "level"].contains(&key.as_str());
            assert_eq!(
                text.contains(&format!(" {key}=")),
                is_field,
                "{key}: {text}"
            );
        }
        let fields = text.split("refused=").next().unwrap().matches('=').count();
        let refused = usize::from(json.get("refused").is_some());
        assert_eq!(
            fields + refused,
            json.as_object().unwrap().len() - 2,
            "{text}"
        );
    }
}

#[test]
fn a_line_of_text_reads_well() {
    let program = Program::start(HELLO);
    program.request(get("/hello"));
    let line = program
        .log
        .wait_for("access", |line| line.contains("target=/hello"));
    for part in [
        " INFO ",
        "access",
        "method=GET",
        "status=200",
        "guest=hello",
        "total_us=",
    ] {
        assert!(line.contains(part), "no {part} in {line}");
    }
}

#[test]
fn a_client_that_left_has_its_line_too() {
    let program = program(HELLO);
    let mut client = program.connect();
    let fields = "content-length: 9\r\nexpect: 100-continue\r\n";
    client
        .request(head("POST", "/hello?left", fields))
        .expect(100);
    client.reset();
    let line = access(&program, "/hello?left");
    assert!(
        line["failure"]
            .as_str()
            .unwrap()
            .contains("the client left"),
        "{line}"
    );
}

#[test]
fn the_access_log_can_be_switched_off() {
    let program = Program::start(&("[log]\naccess = false\n".to_owned() + &fault("trap", "")));
    for _ in 0..3 {
        program.request(get("/trap")).expect_refusal(500);
    }
    drop(program.request(get("/nowhere")).expect_refusal(404));
    program.signal(rustix::process::Signal::TERM);
    let (code, log) = program.finish();
    assert_eq!(code, Some(0));
    assert!(log.iter().any(|line| line.contains("trapped")), "{log:#?}");
    assert!(!log.iter().any(|line| line.contains("status=")), "{log:#?}");
}
