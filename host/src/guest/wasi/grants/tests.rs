//! What an instance can reach with its grants, asked through the interfaces that a guest would use.

use super::*;
use crate::guest::log::{GuestLog, LogLimits};
use crate::guest::subject::Subject;
use std::path::Path;
use wasmtime::component::{Resource, ResourceTable};
use wasmtime_wasi::cli::WasiCliCtxView;
use wasmtime_wasi::filesystem::{Descriptor, WasiFilesystemCtxView};
use wasmtime_wasi::p2::bindings::cli::environment::Host as _;
use wasmtime_wasi::p2::bindings::filesystem::preopens::Host as _;
use wasmtime_wasi::p2::bindings::filesystem::types::{
    DescriptorFlags, ErrorCode, HostDescriptor as _, OpenFlags, PathFlags,
};
use wasmtime_wasi::p2::bindings::sockets::instance_network::Host as _;
use wasmtime_wasi::p2::bindings::sockets::ip_name_lookup::Host as _;
use wasmtime_wasi::p2::bindings::sockets::network::IpAddressFamily;
use wasmtime_wasi::p2::bindings::sockets::tcp_create_socket::Host as _;
use wasmtime_wasi::p2::bindings::sockets::udp_create_socket::Host as _;
use wasmtime_wasi::sockets::WasiSocketsCtxView;

fn output() -> Output {
    let limits = LogLimits {
        line_max: 100,
        lines_max: 10,
    };
    Output::new(GuestLog::new(
        limits,
        std::sync::Arc::<Subject>::default().into(),
        "request-1",
    ))
}

fn context(grants: &Grants) -> WasiCtx {
    grants.open().unwrap().wasi_ctx(&output())
}

/// What a guest holds, and how it asks for more.
struct Guest {
    context: WasiCtx,
    table: ResourceTable,
}

impl Guest {
    fn new(grants: &Grants) -> Guest {
        Guest {
            context: context(grants),
            table: ResourceTable::new(),
        }
    }

    fn files(&mut self) -> WasiFilesystemCtxView<'_> {
        WasiFilesystemCtxView {
            ctx: self.context.filesystem(),
            table: &mut self.table,
        }
    }

    fn sockets(&mut self) -> WasiSocketsCtxView<'_> {
        WasiSocketsCtxView {
            ctx: self.context.sockets(),
            table: &mut self.table,
        }
    }

    fn root(&mut self) -> Resource<Descriptor> {
        let mut directories = self.files().get_directories().unwrap();
        directories.remove(0).0
    }

    /// Opens a path below the first directory, following symbolic links.
    async fn open(
        &mut self,
        path: &str,
        open: OpenFlags,
        flags: DescriptorFlags,
    ) -> Result<(), Option<ErrorCode>> {
        let (root, path) = (self.root(), path.to_owned());
        let mut files = self.files();
        let opened = files.open_at(root, PathFlags::SYMLINK_FOLLOW, path, open, flags);
        let failed = |error: wasmtime_wasi::p2::FsError| error.downcast().ok();
        opened.await.map(drop).map_err(failed)
    }

    async fn read(&mut self, path: &str) -> Result<(), Option<ErrorCode>> {
        self.open(path, OpenFlags::empty(), DescriptorFlags::READ)
            .await
    }
}

/// A directory `public` with things in it, and a file beside it that is nobody's business.
fn place(writable: bool) -> (tempfile::TempDir, Grants) {
    let place = tempfile::tempdir().unwrap();
    let public = place.path().join("public");
    std::fs::create_dir_all(public.join("sub")).unwrap();
    std::fs::write(public.join("a.txt"), "a").unwrap();
    std::fs::write(place.path().join("secret.txt"), "secret").unwrap();
    let link = |target: &Path, name: &str| {
        std::os::unix::fs::symlink(target, public.join(name)).unwrap();
    };
    link(Path::new("a.txt"), "inside");
    link(Path::new("../secret.txt"), "beside");
    link(&place.path().join("secret.txt"), "absolute");
    link(Path::new(".."), "above");
    link(Path::new("/"), "root");
    let grants = Grants {
        dirs: vec![DirectoryGrant {
            host: public,
            guest: "/public".to_owned(),
            writable,
        }],
        ..Grants::default()
    };
    (place, grants)
}

#[test]
fn without_grants_there_is_nothing() {
    let mut guest = Guest::new(&Grants::default());
    assert!(guest.files().get_directories().unwrap().is_empty());
    let mut table = ResourceTable::new();
    let mut cli = WasiCliCtxView {
        ctx: guest.context.cli(),
        table: &mut table,
    };
    assert!(cli.get_environment().unwrap().is_empty());
    assert!(cli.get_arguments().unwrap().is_empty());
    assert_eq!(cli.initial_cwd().unwrap(), None);
}

#[test]
fn environment_and_arguments_are_those_granted() {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let grants = Grants {
        env: BTreeMap::from([pair("A", "1"), pair("B", "")]),
        args: vec!["--verbose".to_owned()],
        ..Grants::default()
    };
    let mut context = context(&grants);
    let mut table = ResourceTable::new();
    let mut cli = WasiCliCtxView {
        ctx: context.cli(),
        table: &mut table,
    };
    assert_eq!(
        cli.get_environment().unwrap(),
        [pair("A", "1"), pair("B", "")]
    );
    assert_eq!(cli.get_arguments().unwrap(), ["--verbose"]);
}

#[tokio::test]
async fn sockets_and_names_are_never_granted() {
    let mut guest = Guest::new(&Grants::default());
    let network = guest.sockets().instance_network().unwrap();
    let looked_up = guest
        .sockets()
        .resolve_addresses(network, "localhost".to_owned());
    assert!(looked_up.is_err());
    for family in [IpAddressFamily::Ipv4, IpAddressFamily::Ipv6] {
        assert!(guest.sockets().create_tcp_socket(family).is_err());
        assert!(guest.sockets().create_udp_socket(family).await.is_err());
    }
}

#[tokio::test]
async fn what_is_below_a_granted_directory_can_be_read() {
    let (_place, grants) = place(false);
    let mut guest = Guest::new(&grants);
    let directories = guest.files().get_directories().unwrap();
    let names: Vec<_> = directories.iter().map(|(_, name)| name.as_str()).collect();
    assert_eq!(names, ["/public"]);
    for path in ["a.txt", "./a.txt", "sub/../a.txt", "inside", "sub"] {
        assert!(guest.read(path).await.is_ok(), "{path}");
    }
    assert!(matches!(
        guest.read("none").await,
        Err(Some(ErrorCode::NoEntry))
    ));
}

#[tokio::test]
async fn no_path_leads_out_of_a_granted_directory() {
    for writable in [false, true] {
        let (place, grants) = place(writable);
        let mut guest = Guest::new(&grants);
        let secret = place.path().join("secret.txt");
        for path in [
            "..",
            "../secret.txt",
            "sub/../../secret.txt",
            "./../public/../secret.txt",
            secret.to_str().unwrap(),
            "/etc/passwd",
            "/",
            "beside",
            "absolute",
            "above/secret.txt",
            "above/public/a.txt",
            "root/etc/passwd",
        ] {
            let refused = guest.read(path).await;
            assert!(
                matches!(
                    refused,
                    Err(Some(ErrorCode::NotPermitted | ErrorCode::Access))
                ),
                "{path}: {refused:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_directory_to_read_cannot_be_changed() {
    let (place, grants) = place(false);
    let mut guest = Guest::new(&grants);
    let write = DescriptorFlags::READ | DescriptorFlags::WRITE;
    for (path, open) in [
        ("a.txt", OpenFlags::empty()),
        ("a.txt", OpenFlags::TRUNCATE),
        ("new.txt", OpenFlags::CREATE),
    ] {
        assert!(guest.open(path, open, write).await.is_err(), "{path}");
    }
    let truncate = guest.open("a.txt", OpenFlags::TRUNCATE, DescriptorFlags::READ);
    assert!(truncate.await.is_err());
    let root = guest.root();
    assert!(
        guest
            .files()
            .create_directory_at(root, "new".to_owned())
            .await
            .is_err()
    );
    let root = guest.root();
    assert!(
        guest
            .files()
            .unlink_file_at(root, "a.txt".to_owned())
            .await
            .is_err()
    );
    let root = guest.root();
    let link = guest
        .files()
        .symlink_at(root, "a.txt".to_owned(), "new".to_owned())
        .await;
    assert!(link.is_err());
    let public = place.path().join("public");
    assert_eq!(std::fs::read_to_string(public.join("a.txt")).unwrap(), "a");
    assert!(!public.join("new.txt").exists() && !public.join("new").exists());
}

#[tokio::test]
async fn a_directory_to_write_can_be_changed_and_its_links_lead_nowhere_else() {
    let (place, grants) = place(true);
    let mut guest = Guest::new(&grants);
    let write = DescriptorFlags::READ | DescriptorFlags::WRITE;
    guest
        .open("new.txt", OpenFlags::CREATE, write)
        .await
        .unwrap();
    assert!(place.path().join("public/new.txt").exists());

    let secret = place.path().join("secret.txt");
    let root = guest.root();
    let absolute = secret.to_str().unwrap().to_owned();
    assert!(
        guest
            .files()
            .symlink_at(root, absolute, "trap".to_owned())
            .await
            .is_err()
    );
    let root = guest.root();
    let relative = "../secret.txt".to_owned();
    // Whether such a link can be made does not matter as long as it leads nowhere.
    let _ = guest
        .files()
        .symlink_at(root, relative, "trap".to_owned())
        .await;
    assert!(guest.read("trap").await.is_err());
    assert!(guest.open("trap", OpenFlags::CREATE, write).await.is_err());
    assert_eq!(std::fs::read_to_string(secret).unwrap(), "secret");
}

#[test]
fn a_directory_that_cannot_be_opened_is_told() {
    let (place, mut grants) = place(false);
    let missing = place.path().join("none");
    grants.dirs[0].host.clone_from(&missing);
    let error = grants.open().err().unwrap();
    let told = format!(
        "the directory {}, which the guest is to see as /public",
        missing.display()
    );
    assert!(error.to_string().contains(&told), "{error}");
}
