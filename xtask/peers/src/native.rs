//! hyper with handlers of the same answers: what a native server would do.

use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::GREETING;

type Body = Either<Full<Bytes>, Incoming>;

/// Answers a connection until its client closes it.
pub(crate) async fn serve(stream: TcpStream) {
    // A client that breaks off is no news here.
    let _ = http1::Builder::new()
        .pipeline_flush(true)
        .serve_connection(TokioIo::new(stream), service_fn(answer))
        .await;
}

async fn answer(request: Request<Incoming>) -> Result<Response<Body>, hyper::Error> {
    Ok(match request.uri().path() {
        "/hello" => hello(),
        "/echo" => echo(request),
        _ => {
            let mut response = Response::new(Either::Left(Full::default()));
            *response.status_mut() = StatusCode::NOT_FOUND;
            response
        }
    })
}

fn hello() -> Response<Body> {
    let body = Full::new(Bytes::from_static(GREETING.as_bytes()));
    of_type(HeaderValue::from_static("text/plain"), Either::Left(body))
}

/// Passes the body on as it arrives.
fn echo(request: Request<Incoming>) -> Response<Body> {
    let media_type = request.headers().get(CONTENT_TYPE).cloned();
    let bytes = HeaderValue::from_static("application/octet-stream");
    let body = Either::Right(request.into_body());
    of_type(media_type.unwrap_or(bytes), body)
}

fn of_type(media_type: HeaderValue, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, media_type);
    response
}
