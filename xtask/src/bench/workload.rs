//! What the servers are asked for, and the scripts that make wrk ask for it. No server is known
//! here.

/// Requests of one kind over so many connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Workload {
    /// Its name on the command line and in tables.
    pub(super) name: &'static str,
    /// What it is, for a person.
    pub(super) what: &'static str,
    pub(super) connections: u32,
    pub(super) request: Request,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Request {
    /// `GET /hello`.
    Hello,
    /// So many of them at once, one behind the other.
    Pipelined(usize),
    /// A body of so many bytes to `/echo`.
    Echo(usize),
}

pub(super) const HELLO_1: &str = "hello-1";
pub(super) const HELLO_32: &str = "hello-32";
pub(super) const ECHO_64K: &str = "echo-64k";

/// All of them, in the order of the document.
pub(super) const WORKLOADS: [Workload; 6] = [
    workload(HELLO_32, "hello, 32 connections", 32, Request::Hello),
    workload(HELLO_1, "hello, 1 connection", 1, Request::Hello),
    workload("hello-256", "hello, 256 connections", 256, Request::Hello),
    workload(
        "pipelined",
        "hello, 16 requests pipelined, 32 connections",
        32,
        Request::Pipelined(16),
    ),
    workload(
        "echo-1k",
        "POST and echo of 1 KiB, 32 connections",
        32,
        Request::Echo(1 << 10),
    ),
    workload(
        ECHO_64K,
        "POST and echo of 64 KiB, 32 connections",
        32,
        Request::Echo(64 << 10),
    ),
];

const fn workload(
    name: &'static str,
    what: &'static str,
    connections: u32,
    request: Request,
) -> Workload {
    Workload {
        name,
        what,
        connections,
        request,
    }
}

impl Workload {
    /// The workload of this name.
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        WORKLOADS.iter().find(|workload| workload.name == name)
    }

    /// The path that is asked for.
    pub(super) fn path(&self) -> &'static str {
        match self.request {
            Request::Hello | Request::Pipelined(_) => "/hello",
            Request::Echo(_) => "/echo",
        }
    }

    /// wrk's threads: one, which leaves the other processor to the server, unless there are so many
    /// connections that one cannot look after them.
    pub(super) fn threads(&self) -> u32 {
        if self.connections > 100 { 2 } else { 1 }
    }

    /// The program that makes wrk send this; none for a plain GET.
    pub(super) fn script(&self) -> Option<String> {
        match self.request {
            Request::Hello => None,
            Request::Pipelined(depth) => Some(format!(
                "local all\n\
                 init = function(args)\n  all = string.rep(wrk.format(\"GET\"), {depth})\nend\n\
                 request = function() return all end\n"
            )),
            Request::Echo(bytes) => Some(format!(
                "wrk.method = \"POST\"\n\
                 wrk.headers[\"Content-Type\"] = \"application/octet-stream\"\n\
                 wrk.body = string.rep(\"x\", {bytes})\n"
            )),
        }
    }
}

/// A program that asks for these paths in turn.
pub(super) fn script_over(paths: impl Iterator<Item = String>) -> String {
    let list: String = paths.map(|path| format!("\"{path}\",\n")).collect();
    format!(
        "local paths = {{\n{list}}}\nlocal requests, next = {{}}, 0\n\
         init = function(args)\n  for i, path in ipairs(paths) do\n    \
         requests[i] = wrk.format(\"GET\", path)\n  end\nend\n\
         request = function()\n  next = next % #requests + 1\n  return requests[next]\nend\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_found() {
        for workload in &WORKLOADS {
            assert_eq!(Workload::named(workload.name), Some(workload));
        }
        for name in [HELLO_1, HELLO_32, ECHO_64K] {
            assert!(Workload::named(name).is_some(), "{name}");
        }
    }

    #[test]
    fn scripts_say_what_is_sent() {
        let script = |name| Workload::named(name).unwrap().script();
        assert_eq!(script(HELLO_32), None);
        assert!(
            script("pipelined")
                .unwrap()
                .contains("wrk.format(\"GET\"), 16)")
        );
        assert!(
            script(ECHO_64K)
                .unwrap()
                .contains("string.rep(\"x\", 65536)")
        );
        let script = script_over(["/a".to_owned(), "/b".to_owned()].into_iter());
        assert!(script.contains("\"/a\",\n\"/b\",\n"), "{script}");
    }
}
