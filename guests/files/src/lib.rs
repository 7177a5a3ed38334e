//! Serves the files of a directory: the one the host grants as `/site`, or as what `root` says in
//! `env`. A route such as `/static/{*rest}` names a file by `rest`, any other by the whole path.
//! What to send is decided here; ranges, conditions and names each have a module of their own.

mod conditions;
mod names;
mod ranges;

use std::time::{Duration, UNIX_EPOCH};

use conditions::{Validators, Verdict};
use httpd_guest::fs::{self, Dir, File, Metadata};
use httpd_guest::{Body, Error, Request, Response, env, handler};
use names::Coding;
use ranges::{Range, Wanted};

/// Separates the parts of an answer with several ranges. What it is does not matter as long as it
/// does not occur in a file; the host's clients are told it, so it need not be a secret.
const BOUNDARY: &str = "httpd-guest-files-7d1f0c3b9a52";

#[handler]
async fn handle(request: Request<Body>) -> Result<Response<Body>, Error> {
    if !matches!(request.method(), "GET" | "HEAD") {
        return Ok(Response::status(405)
            .with_field("allow", "GET, HEAD")
            .into());
    }
    let root = env::var("root").unwrap_or_else(|| "/site".to_owned());
    let dir = fs::dir(&root).ok_or_else(|| Error::new(500, format!("{root} is not granted")))?;
    let named = request.capture("rest").map(str::to_owned);
    let Some(path) = names::file_path(&named.unwrap_or_else(|| names::decoded(request.path())))
    else {
        return Ok(not_found());
    };
    let accepted = names::accepted_codings(request.field_str("accept-encoding"));
    match find(&dir, &path, &accepted).await? {
        Found::File(representation) => Ok(answer(&request, &path, representation)),
        Found::Directory => {
            let location = format!("{}/", request.path());
            Ok(Response::redirect(&location).with_status(301).into())
        }
        Found::Nothing => Ok(not_found()),
    }
}

fn not_found() -> Response<Body> {
    Response::text("Not Found\n").with_status(404).into()
}

/// A file and how it was coded beforehand.
struct Representation {
    file: File,
    coding: Option<Coding>,
    metadata: Metadata,
}

enum Found {
    File(Representation),
    Directory,
    Nothing,
}

/// The file itself, or a version of it that somebody has compressed and the client takes.
async fn find(dir: &Dir, path: &str, accepted: &[Coding]) -> Result<Found, Error> {
    let Some((file, metadata)) = open(dir, path).await? else {
        return Ok(Found::Nothing);
    };
    if metadata.is_dir {
        return Ok(Found::Directory);
    }
    if !metadata.is_file {
        return Ok(Found::Nothing);
    }
    for coding in accepted {
        let coded = format!("{path}{}", coding.extension());
        if let Some((file, metadata)) = open(dir, &coded).await?
            && metadata.is_file
        {
            let coding = Some(*coding);
            return Ok(Found::File(Representation {
                file,
                coding,
                metadata,
            }));
        }
    }
    let coding = None;
    Ok(Found::File(Representation {
        file,
        coding,
        metadata,
    }))
}

/// Whatever cannot be opened does not exist for the client; why goes to the log.
async fn open(dir: &Dir, path: &str) -> Result<Option<(File, Metadata)>, Error> {
    match dir.open(path).await {
        Ok(file) => {
            let metadata = file.metadata().await?;
            Ok(Some((file, metadata)))
        }
        Err(error) => {
            httpd_guest::log::debug!("{path}: {error}");
            Ok(None)
        }
    }
}

fn answer(request: &Request<Body>, path: &str, found: Representation) -> Response<Body> {
    let Representation {
        file,
        coding,
        metadata,
    } = found;
    let validators = validators(&metadata, coding);
    let response = head(path, coding, &validators);
    match conditions::evaluate(request, &validators) {
        Verdict::NotModified => return response.with_status(304).into(),
        Verdict::Failed => return Response::status(412).into(),
        Verdict::Passed => {}
    }
    let length = metadata.length;
    let wanted = match request.field_str("range") {
        Some(range) if conditions::range_applies(request, &validators) => {
            ranges::parse(range, length)
        }
        _ => Wanted::Whole,
    };
    let is_head = request.method() == "HEAD";
    match wanted {
        Wanted::Whole if is_head => response
            .with_field("content-length", length.to_string())
            .into(),
        Wanted::Whole => response.with_stream(file.body(0, length)),
        Wanted::One(range) => response
            .with_status(206)
            .with_field("content-range", range.content_range(length))
            .with_stream(file.body(range.first, range.length())),
        Wanted::Several(several) => parts(response, file, several, length),
        Wanted::None => Response::status(416)
            .with_field("content-range", format!("bytes */{length}"))
            .into(),
    }
}

fn head(path: &str, coding: Option<Coding>, validators: &Validators) -> Response {
    let mut head = Response::new()
        .with_field("content-type", names::content_type(path))
        .with_field("accept-ranges", "bytes")
        .with_field("vary", "accept-encoding")
        .with_field("x-content-type-options", "nosniff")
        .with_field("etag", &validators.etag);
    if let Some(modified) = validators.modified {
        head = head.with_field("last-modified", httpdate::fmt_http_date(modified));
    }
    match coding {
        Some(coding) => head.with_field("content-encoding", coding.name()),
        None => head,
    }
}

/// A file that changes within the resolution of the clock and keeps its length is taken for the
/// same. Each coding has a tag of its own: its bytes are others.
fn validators(metadata: &Metadata, coding: Option<Coding>) -> Validators {
    let modified = metadata.modified.unwrap_or_default();
    let (length, time) = (metadata.length, modified.as_nanos());
    let suffix = coding.map_or("", Coding::extension);
    Validators {
        etag: format!("\"{length:x}-{time:x}{suffix}\""),
        modified: metadata
            .modified
            .map(|modified| UNIX_EPOCH + Duration::from_secs(modified.as_secs())),
    }
}

/// Several ranges in one answer (RFC 9110 section 14.6).
fn parts(response: Response, file: File, several: Vec<Range>, length: u64) -> Response<Body> {
    let content_type = response
        .field("content-type")
        .map(|value| String::from_utf8_lossy(value).into_owned())
        .unwrap_or_default();
    let heading = move |range: &Range| {
        let range = range.content_range(length);
        format!("--{BOUNDARY}\r\ncontent-type: {content_type}\r\ncontent-range: {range}\r\n\r\n")
    };
    let end = format!("--{BOUNDARY}--\r\n");
    let total: u64 = several
        .iter()
        .map(|range| heading(range).len() as u64 + range.length() + 2)
        .sum();
    let total = total + end.len() as u64;
    let body = Body::stream(async move |out| {
        for range in several {
            out.write(heading(&range)).await?;
            let mut part = file.body(range.first, range.length());
            while let Some(piece) = part.next().await? {
                out.write(piece).await?;
            }
            out.write("\r\n").await?;
        }
        out.write(end).await?;
        Ok(())
    });
    response
        .with_status(206)
        .with_field(
            "content-type",
            format!("multipart/byteranges; boundary={BOUNDARY}"),
        )
        .with_stream(body.with_length(total))
}

#[cfg(test)]
mod tests;
