//! The cases of a plain HTTP client: the lab's servers, and httpd-host in the same places.
//! Each has an id that the document's template refers to; a test holds the two together.

use std::net::SocketAddr;

use anyhow::Result;

use super::{
    client::Request,
    measure::{Lab, Measured},
    servers::{self, Behaviour},
};

const SMALL: usize = 64;
const LARGE: usize = 8 << 20;

/// A case against one of the lab's own servers.
pub(crate) struct LabCase {
    /// Its name in the template.
    pub(crate) id: &'static str,
    title: &'static str,
    behaviour: Behaviour,
    request: Request,
    answer_bytes: usize,
}

/// A case against httpd-host.
pub(crate) struct HostCase {
    /// Its name in the template.
    pub(crate) id: &'static str,
    title: &'static str,
    request: Request,
}

/// Against the lab's servers.
pub(crate) const LAB: [LabCase; 9] = [
    LabCase {
        id: "nothing-get",
        title: "reads nothing; GET",
        behaviour: Behaviour::ReadsNothing,
        request: Request::Get,
        answer_bytes: SMALL,
    },
    LabCase {
        id: "nothing-post",
        title: "reads nothing; POST of 8 MiB",
        behaviour: Behaviour::ReadsNothing,
        request: Request::Post(LARGE),
        answer_bytes: SMALL,
    },
    LabCase {
        id: "nothing-writer",
        title: "reads nothing; POST of 8 MiB by a client that sends all before it reads",
        behaviour: Behaviour::ReadsNothing,
        request: Request::WriterPost(LARGE),
        answer_bytes: SMALL,
    },
    LabCase {
        id: "nothing-large",
        title: "reads nothing; GET of an 8 MiB response",
        behaviour: Behaviour::ReadsNothing,
        request: Request::Get,
        answer_bytes: LARGE,
    },
    LabCase {
        id: "ten-get",
        title: "reads ten bytes; GET",
        behaviour: Behaviour::ReadsTen,
        request: Request::Get,
        answer_bytes: SMALL,
    },
    LabCase {
        id: "ten-post",
        title: "reads ten bytes; POST of 8 MiB",
        behaviour: Behaviour::ReadsTen,
        request: Request::Post(LARGE),
        answer_bytes: SMALL,
    },
    LabCase {
        id: "all-get",
        title: "reads all and closes first; GET",
        behaviour: Behaviour::ReadsAll,
        request: Request::Get,
        answer_bytes: SMALL,
    },
    LabCase {
        id: "all-post",
        title: "reads all and closes first; POST of 8 MiB",
        behaviour: Behaviour::ReadsAll,
        request: Request::Post(LARGE),
        answer_bytes: SMALL,
    },
    LabCase {
        id: "linger-zero",
        title: "reads all, aborts with SO_LINGER 0; GET of an 8 MiB response",
        behaviour: Behaviour::Aborts,
        request: Request::Get,
        answer_bytes: LARGE,
    },
];

/// Against httpd-host.
pub(crate) const HOST: [HostCase; 6] = [
    HostCase {
        id: "host-close",
        title: "httpd-host; GET with Connection: close",
        request: Request::GetClose,
    },
    HostCase {
        id: "host-unread",
        title: "httpd-host; POST of 512 KiB to a path that is 404",
        request: Request::Post(512 << 10),
    },
    HostCase {
        id: "host-post",
        title: "httpd-host; POST of 8 MiB to a path that is 404",
        request: Request::Post(LARGE),
    },
    HostCase {
        id: "host-writer",
        title: "httpd-host; POST of 8 MiB by a client that sends all before it reads",
        request: Request::WriterPost(LARGE),
    },
    HostCase {
        id: "host-early",
        title: "httpd-host; POST of 8 MiB at 2 MiB/s, answered early",
        request: Request::SlowPost(LARGE),
    },
    HostCase {
        id: "host-expect",
        title: "httpd-host; POST of 8 MiB with Expect: 100-continue",
        request: Request::ExpectPost(LARGE),
    },
];

impl LabCase {
    /// Starts the case's server and measures it.
    ///
    /// # Errors
    /// See [`Lab::measure_client`].
    pub(crate) fn measure(&self, lab: &mut Lab) -> Result<Measured> {
        let server = servers::start(self.behaviour, servers::answer(self.answer_bytes))?;
        lab.measure_client(self.id, self.title, server, self.request)
    }
}

impl HostCase {
    /// Measures the httpd-host that listens on `server`.
    ///
    /// # Errors
    /// See [`Lab::measure_client`].
    pub(crate) fn measure(&self, lab: &mut Lab, server: SocketAddr) -> Result<Measured> {
        lab.measure_client(self.id, self.title, server, self.request)
    }
}
