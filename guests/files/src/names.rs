//! Names: from a request's path to a file's, from a file's to its type, and the codings that a
//! client takes. Pure; no file is opened here.

/// A way a file was compressed beforehand, into a file beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    Brotli,
    Gzip,
}

impl Coding {
    /// As `content-encoding` says it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }

    /// What is behind the name of the file.
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::Brotli => ".br",
            Self::Gzip => ".gz",
        }
    }
}

/// Percent-decoded; bytes that are no UTF-8 become U+FFFD, which no file has in its name.
pub(crate) fn decoded(path: &str) -> String {
    let bytes = percent_encoding::percent_decode_str(path);
    bytes.decode_utf8_lossy().into_owned()
}

/// The path of a file below the directory, for a decoded path of a request. `None` for one that
/// tries to leave it, names a hidden file, or is not how that file is called.
pub(crate) fn file_path(path: &str) -> Option<String> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let is_fine = |segment: &str| {
        let odd = |c: char| c.is_control() || matches!(c, '\\' | ':');
        !segment.is_empty() && !segment.starts_with('.') && !segment.contains(odd)
    };
    match path.strip_suffix('/') {
        _ if path.is_empty() => Some("index.html".to_owned()),
        Some(folder) => folder
            .split('/')
            .all(is_fine)
            .then(|| format!("{folder}/index.html")),
        None => path.split('/').all(is_fine).then(|| path.to_owned()),
    }
}

/// The type of a file, by the end of its name.
pub(crate) fn content_type(path: &str) -> &'static str {
    let name = path.rsplit('/').next().unwrap_or(path);
    let Some((_, extension)) = name.rsplit_once('.') else {
        return "application/octet-stream";
    };
    match extension.to_ascii_lowercase().as_str() {
        "html" | "htm" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" | "map" => "application/json",
        "txt" | "md" => "text/plain; charset=utf-8",
        "xml" => "application/xml",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        "pdf" => "application/pdf",
        "mp4" => "video/mp4",
        "webm" => "video/webm",
        "mp3" => "audio/mpeg",
        _ => "application/octet-stream",
    }
}

/// The codings that a client takes, the one it likes best first (RFC 9110 section 12.5.3).
pub(crate) fn accepted_codings(field: Option<&str>) -> Vec<Coding> {
    let mut accepted: Vec<_> = [Coding::Brotli, Coding::Gzip]
        .into_iter()
        .map(|coding| (coding, weight(field.unwrap_or_default(), coding.name())))
        .filter(|(_, weight)| *weight > 0)
        .collect();
    accepted.sort_by_key(|(_, weight)| std::cmp::Reverse(*weight));
    accepted.into_iter().map(|(coding, _)| coding).collect()
}

/// How much a client likes a coding, in thousandths. One it does not name counts as `*`.
fn weight(field: &str, name: &str) -> u32 {
    let mut any = 0;
    for item in field.split(',') {
        let mut parts = item.split(';').map(str::trim);
        let coding = parts.next().unwrap_or_default();
        let quality = parts
            .find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")))
            .map_or(Some(1.0), |quality| quality.parse::<f32>().ok());
        let quality = quality.unwrap_or_default().clamp(0.0, 1.0);
        // Exact: it is within 0 to 1000.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "see above"
        )]
        let thousandths = (quality * 1000.0).round() as u32;
        if coding.eq_ignore_ascii_case(name) {
            return thousandths;
        }
        if coding == "*" {
            any = thousandths;
        }
    }
    any
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_files_and_never_out() {
        for (path, file) in [
            ("", "index.html"),
            ("/", "index.html"),
            ("/docs/", "docs/index.html"),
            ("/a/b.txt", "a/b.txt"),
            ("a b/ä.txt", "a b/ä.txt"),
        ] {
            assert_eq!(file_path(path).as_deref(), Some(file), "{path}");
        }
        for path in [
            "/..",
            "/../a",
            "/a/../../b",
            "/a/./b",
            "//etc/passwd",
            "/a//b",
            "/.env",
            "/a/.git/x",
            "/..\\a",
            "/a\0b",
            "/C:/a",
            "/a/..",
            "/a//",
        ] {
            assert_eq!(file_path(path), None, "{path}");
        }
        assert_eq!(decoded("/a%20b/%2e%2e/%ff"), "/a b/../\u{fffd}");
    }

    #[test]
    fn the_best_liked_coding_comes_first() {
        let names = |field| -> Vec<_> {
            let codings = accepted_codings(Some(field)).into_iter();
            codings.map(Coding::name).collect()
        };
        assert_eq!(names("gzip, deflate, br"), ["br", "gzip"]);
        assert_eq!(names("br;q=0.5, gzip;q=0.8"), ["gzip", "br"]);
        assert_eq!(names("br;q=0, *"), ["gzip"]);
        assert_eq!(names("*;q=0.1, GZIP"), ["gzip", "br"]);
        assert!(names("identity").is_empty() && names("br;q=x").is_empty());
        assert!(accepted_codings(None).is_empty());
    }

    #[test]
    fn types_go_by_the_end_of_the_name() {
        assert_eq!(content_type("a.d/INDEX.HTML"), "text/html; charset=utf-8");
        assert_eq!(content_type("a.png/b"), "application/octet-stream");
    }
}
