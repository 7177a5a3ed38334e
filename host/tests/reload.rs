//! Guests and configurations change while the host runs, and nothing that fails to load takes
//! anything away.

use std::fs;
use std::os::unix::fs::symlink;

use crate::support::*;

const WATCHING: &str = "[reload]\nwatch = true\n";

#[test]
fn a_new_component_is_taken_and_the_log_tells_which_served() {
    let live = Live::start("", "");
    assert_eq!(live.version(), "one");
    live.put(version("two"));
    let line = live.reload_until("guest `live` is swapped");
    assert!(line.contains("generation 2"), "{line}");
    assert_eq!(live.version(), "two");
    let log = &live.0.log;
    let first = log.wait_for("generation 1", |line| line.contains("generation=1"));
    let second = log.wait_for("generation 2", |line| line.contains("generation=2"));
    let hash = |line: &str| {
        let (_, rest) = line.split_once("hash=").expect("no hash");
        rest[..12].to_owned()
    };
    assert_ne!(hash(&first), hash(&second));
    assert!(line.contains(&hash(&second)), "{line}");
}

#[test]
fn the_same_content_is_no_new_generation() {
    let live = Live::start("", "");
    live.put(version("one"));
    live.configure(&(Live::config("", "") + "\n# touched\n"));
    live.reload_until("nothing is different");
    assert_eq!(live.0.log.count(|line| line.contains("is swapped")), 0);
    live.version();
    live.0
        .log
        .wait_for("generation 1", |line| line.contains("generation=1"));
}

/// Code without checks needs 4 GiB of address space around every memory, which is reserved for the
/// first guest that wants it.
#[test]
fn a_guest_whose_code_is_to_be_made_for_something_else_is_compiled_anew() {
    const RESERVED_KIB: u64 = 512 << 20;
    let live = Live::start("", "");
    let reserved = |live: &Live| live.0.memory_kib("VmSize:") > RESERVED_KIB;
    assert!(!reserved(&live));
    live.configure(&Live::config("optimize = \"compute\"", ""));
    let line = live.reload_until("guest `live` is swapped");
    assert!(line.contains("generation 2"), "{line}");
    assert_eq!(live.version(), "one");
    assert!(reserved(&live));
    live.configure(&Live::config("optimize = \"latency\"", ""));
    live.reload_until("generation 3");
    assert_eq!(live.version(), "one");
}

#[test]
fn what_does_not_load_leaves_the_old_one_serving() {
    let good = version("one");
    let truncated = good[..good.len() / 2].to_vec();
    let wrong_world = b"(component (core module $m) (core instance (instantiate $m)))".to_vec();
    let handle = "(func (export \"handle\") (param i32) (result i32) (unreachable))";
    let import = component_of(handle).replace("httpd:guest/log@0.1.0", "no:body/has@0.1.0");
    let bad: [(&str, Vec<u8>, &str); 6] = [
        ("empty", Vec::new(), "the file is empty"),
        ("truncated", truncated, "not a valid component"),
        (
            "core module",
            b"\0asm\x01\0\0\0".to_vec(),
            "a core module, not a component",
        ),
        ("text", b"hello".to_vec(), "not WebAssembly"),
        ("wrong world", wrong_world, "none of what this host calls"),
        (
            "import that nobody has",
            import.into_bytes(),
            "not granted here: no:body/has@0.1.0#write",
        ),
    ];
    let live = Live::start("", "");
    for (what, bytes, why) in bad {
        live.put(bytes);
        let line = live.reload_until("serves on");
        assert!(
            line.contains(why) && line.contains("live.wasm"),
            "{what}: {line}"
        );
        assert!(line.contains("generation 1 ("), "{what}: {line}");
        assert_eq!(live.version(), "one", "{what}");
    }
    live.put(version("two"));
    live.reload_until("is swapped");
    assert_eq!(live.version(), "two");
}

#[test]
fn a_guest_that_takes_bodies_whole_comes_in_only_with_room_for_them() {
    let limits = |body_max: &str| {
        let limits = format!("[limits]\nbuffered_max = \"1MiB\"\nbody_max = \"{body_max}\"");
        Live::config("", &limits)
    };
    let folder = folder_with("config.toml", &limits("2GiB"));
    fs::write(folder.path().join("live.wasm"), component("streaming-echo")).unwrap();
    let live = Live::start_in(folder);
    let large = || post("/live", zeros(3 << 20));
    let echoes = || {
        let mut client = live.0.connect();
        let sending = client.send_aside(large());
        assert_eq!(client.response().expect(200).body.len(), 3 << 20);
        sending.join().unwrap().unwrap();
    };
    echoes();
    live.put(version("two"));
    let line = live.reload_until("serves on");
    let why = "limits.body_max is 2GiB for the route /live";
    assert!(
        line.contains(why) && line.contains("lean lane") && line.contains("buffered_max (1MiB)"),
        "{line}"
    );
    echoes();
    live.configure(&limits("1MiB"));
    live.reload_until("is swapped");
    assert_eq!(live.version(), "two");
    live.configure(&limits("2GiB"));
    live.reload_until(why);
    live.0.request(large()).expect_refusal(413);
    live.put(component("streaming-echo"));
    live.reload_until("is swapped");
    echoes();
}

#[test]
fn a_file_that_is_no_file_leaves_the_old_one_serving() {
    let live = Live::start("", "");
    let path = live.component();
    let expect = |what: &str, why: &str| {
        let line = live.reload_until("serves on");
        assert!(line.contains(why), "{what}: {line}");
        assert_eq!(live.version(), "one", "{what}");
    };
    fs::remove_file(&path).unwrap();
    expect("removed", "does not exist");
    fs::create_dir(&path).unwrap();
    expect("directory", "a directory");
    fs::remove_dir(&path).unwrap();
    fs::File::create(&path)
        .unwrap()
        .set_len(200_000_000)
        .unwrap();
    expect("200 MB", "sandbox.component_max");
    live.put(version("two"));
    live.reload_until("is swapped");
    assert_eq!(live.version(), "two");
}

#[test]
fn a_probe_keeps_a_guest_out_that_does_not_answer_it() {
    let live = Live::start("probe = \"/live\"", "");
    live.put(component("faults/trap"));
    let line = live.reload_until("serves on");
    assert!(
        line.contains("probe, GET /live") && line.contains("trap"),
        "{line}"
    );
    assert_eq!(live.version(), "one");
    live.put(version("two"));
    live.reload_until("is swapped");
    assert_eq!(live.version(), "two");
}

#[test]
fn a_changed_configuration_is_taken_on_open_connections_too() {
    let live = Live::start("", "[limits]\nbody_max = \"1KiB\"\n");
    let mut kept = live.0.connect();
    kept.request(get("/live")).expect(200);
    kept.request(get("/more")).expect(404);
    kept.request(post("/live", zeros(2000))).expect(413);
    let mut kept = live.0.connect();
    kept.request(get("/live")).expect(200);
    let more = "[[routes]]\npath = \"/more\"\nguest = \"live\"\n";
    let limits = "[limits]\nbody_max = \"10KiB\"\n";
    live.configure(&(Live::config("", limits) + more));
    live.reload_until("config.toml is taken");
    kept.request(get("/more")).expect(200);
    kept.request(post("/more", zeros(2000))).expect(200);
    assert_eq!(
        live.0.log.count(|line| line.contains("is swapped")),
        0,
        "the guest stayed"
    );
}

#[test]
fn a_guest_that_goes_answers_what_it_has_begun() {
    let live = Live::start("", "");
    let mut busy = live.0.connect();
    let fields = "content-length: 4\r\nexpect: 100-continue\r\n";
    busy.request(head("POST", "/live", fields)).expect(100);
    live.configure("[server]\nlisten = [\"127.0.0.1:0\"]\n[sandbox]\ninstances_max = 64\n");
    live.reload_until("guest `live` is removed");
    live.0.request(get("/live")).expect(404);
    busy.request("body").expect(200);
}

/// As one that waits for a place is.
#[test]
fn a_request_that_takes_long_to_arrive_is_answered_by_what_serves_then() {
    let live = Live::start("", "");
    let mut slow = live.0.connect();
    let fields = "content-length: 4\r\nexpect: 100-continue\r\n";
    slow.request(head("POST", "/live", fields)).expect(100);
    live.put(version("two"));
    live.reload_until("guest `live` is swapped");
    let answer = slow.request("body").expect(200);
    assert!(answer.text().contains("two"), "{}", answer.text());
}

#[test]
fn a_configuration_that_does_not_pass_changes_nothing() {
    let live = Live::start("", "");
    let with = |more: &str| Live::config("", "") + more;
    let route = "[[routes]]\npath = \"/more\"\nguest = \"live\"\n";
    let cases = [
        (
            format!("{route}[guests.two]\ncomponent = \"none.wasm\"\n"),
            "none.wasm",
        ),
        (
            format!("{route}[guests.two]\ncomponent = \"guests/dist/hello.wasm\"\nmemory = 1\n"),
            "guests.two.memory",
        ),
        (
            format!("{route}[guests.two]\ncomponent = \"config.toml\"\n"),
            "not WebAssembly",
        ),
        ("[[routes]\n".to_owned(), "config.toml"),
    ];
    for (more, why) in cases {
        live.configure(&with(&more));
        live.reload_until("is not taken: the configuration before it serves on");
        live.0.log.wait_for(why, |line| line.contains(why));
        live.0.request(get("/more")).expect(404);
        assert_eq!(live.version(), "one");
    }
    live.configure(&with(route));
    live.reload_until("config.toml is taken");
    live.0.request(get("/more")).expect(200);
}

#[test]
fn what_takes_a_restart_is_named() {
    let live = Live::start("", "");
    let text = Live::config("", "[log]\nlevel = \"debug\"\n").replace(
        "listen = [\"127.0.0.1:0\"]",
        "listen = [\"127.0.0.1:0\", \"127.0.0.1:0\"]\nbacklog = 10",
    );
    live.configure(&text);
    live.reload_until("config.toml is taken");
    for key in ["server.listen", "server.backlog", "log.level"] {
        live.0
            .log
            .wait_for(key, |line| line.contains(key) && line.contains("restart"));
    }
    assert_eq!(live.version(), "one");
}

#[test]
fn a_file_written_in_place_or_renamed_over_is_noticed() {
    let live = Live::start("", WATCHING);
    fs::write(live.component(), version("two")).unwrap();
    live.0.log.wait_for_number(1, "guest `live` is swapped");
    assert_eq!(live.version(), "two");
    live.put(version("three"));
    live.0.log.wait_for_number(2, "guest `live` is swapped");
    assert_eq!(live.version(), "three");
    fs::remove_file(live.component()).unwrap();
    live.0.log.wait_for_number(1, "serves on");
    assert_eq!(live.version(), "three");
    live.put(version("four"));
    live.0.log.wait_for_number(3, "guest `live` is swapped");
    assert_eq!(live.version(), "four");
}

/// A volume of Kubernetes: what changes is a link in the directory, and no file in it.
#[test]
fn a_link_that_is_flipped_is_noticed() {
    let folder = Live::folder("", WATCHING);
    let volume = folder.path().join("volume");
    for (name, word) in [("1", "one"), ("2", "two")] {
        fs::create_dir_all(volume.join(name)).unwrap();
        fs::write(volume.join(name).join("live.wasm"), version(word)).unwrap();
    }
    symlink("1", volume.join("..data")).unwrap();
    symlink("..data/live.wasm", volume.join("live.wasm")).unwrap();
    fs::remove_file(folder.path().join("live.wasm")).unwrap();
    symlink("volume/live.wasm", folder.path().join("live.wasm")).unwrap();
    let live = Live::start_in(folder);
    assert_eq!(live.version(), "one");
    symlink("2", volume.join("..data_tmp")).unwrap();
    fs::rename(volume.join("..data_tmp"), volume.join("..data")).unwrap();
    live.0.log.wait_for_number(1, "guest `live` is swapped");
    assert_eq!(live.version(), "two");
}

#[test]
fn a_configuration_is_taken_when_it_changes_and_when_what_it_lacks_comes() {
    let live = Live::start("", WATCHING);
    let guest = "[guests.late]\ncomponent = \"late.wasm\"\n";
    let more = guest.to_owned() + &route("/late", "late", "");
    live.configure(&(Live::config("", WATCHING) + &more));
    live.0.log.wait_for_number(1, "is not taken");
    live.0.request(get("/late")).expect(404);
    fs::write(live.0.folder().join("late.wasm"), version("late")).unwrap();
    live.0.log.wait_for_number(1, "config.toml is taken");
    live.0.request(get("/late")).expect(200);
}

#[test]
fn status_and_reload_are_asked_of_the_running_host() {
    let live = Live::start("", "[control]\nsocket = \"control.sock\"\n");
    let ask = |command: &str| run_in(live.0.folder(), &[command, "--config", "config.toml"]);
    assert_eq!(live.version(), "one");
    let status = ask("status");
    assert_eq!(status.code, Some(0), "{}", status.err);
    assert!(
        status.out.contains("live") && status.out.contains("/live"),
        "{}",
        status.out
    );
    live.put(version("two"));
    // Whoever is first, the watcher or the asker: once the answer is there, it serves.
    assert_eq!(ask("reload").code, Some(0));
    assert_eq!(live.version(), "two");
    live.put("nonsense");
    let failed = ask("reload");
    assert_eq!(failed.code, Some(1));
    assert!(failed.out.contains("not WebAssembly") || failed.err.contains("not WebAssembly"));
    let json = run_in(
        live.0.folder(),
        &["status", "--json", "--config", "config.toml"],
    );
    let status: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    let guest = &status["guests"][0];
    assert_eq!(guest["generation"], 2);
    assert_eq!(guest["requests"], 2);
    assert!(
        guest["last_error"]
            .as_str()
            .unwrap()
            .contains("not WebAssembly")
    );
    assert_eq!(status["routes"][0]["requests"], 2);
    assert_eq!(status["requests"]["2xx"], 2);
}

/// A refused configuration names the guests that serve as well: they are still swapped.
#[test]
fn a_refused_configuration_holds_up_no_guest() {
    let live = Live::start("", "[control]\nsocket = \"control.sock\"\n");
    let more = "[guests.two]\ncomponent = \"none.wasm\"\n";
    let sections = "[control]\nsocket = \"control.sock\"\n";
    live.configure(&(Live::config("", sections) + more));
    live.reload_until("is not taken");
    live.put(version("two"));
    live.reload_until("guest `live` is swapped");
    assert_eq!(live.version(), "two");
    let status = run_in(live.0.folder(), &["status", "--config", "config.toml"]);
    assert!(
        status.out.contains("none.wasm does not exist"),
        "{}",
        status.out
    );
}
