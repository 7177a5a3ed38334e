//! Bodies that come from the host: a stream of bytes, and a future that says whether that was all
//! of them. Exists only inside a component.

use wit_bindgen::{FutureReader, StreamReader, StreamResult};

use crate::wasi::wasi::http::types::{ErrorCode, Trailers};
use crate::wasi::wit_future;
use crate::{Error, raw, wasi};

/// How much is asked for at once. A guest's memory grows by about this much.
const PIECE_BYTES: usize = 64 << 10;

type Ending = FutureReader<Result<Option<Trailers>, ErrorCode>>;

/// A body as the host hands it over.
pub(crate) struct Incoming {
    stream: StreamReader<u8>,
    /// Taken when it was looked at.
    ending: Option<Ending>,
    /// What `content-length` promised, less what was read.
    left: Option<u64>,
    /// The status of an error when it breaks off: whose fault that is.
    status: u16,
}

impl Incoming {
    pub(crate) fn of_request(request: wasi::Request, length: Option<u64>) -> Self {
        let (stream, ending) = wasi::Request::consume_body(request, all_is_well());
        Self::new(stream, ending, length, 400)
    }

    pub(crate) fn of_response(response: wasi::Response, length: Option<u64>) -> Self {
        let (stream, ending) = wasi::Response::consume_body(response, all_is_well());
        Self::new(stream, ending, length, 502)
    }

    fn new(stream: StreamReader<u8>, ending: Ending, left: Option<u64>, status: u16) -> Self {
        Self {
            stream,
            ending: Some(ending),
            left,
            status,
        }
    }

    pub(super) fn length(&self) -> Option<u64> {
        self.left
    }

    pub(super) async fn next(
        &mut self,
        trailers: &mut Vec<raw::Field>,
    ) -> Result<Option<Vec<u8>>, Error> {
        loop {
            let (result, piece) = self.stream.read(Vec::with_capacity(PIECE_BYTES)).await;
            if !piece.is_empty() {
                let length = piece.len() as u64;
                self.left = self.left.map(|left| left.saturating_sub(length));
                return Ok(Some(piece));
            }
            if result != StreamResult::Complete(0) {
                return self.end(trailers).await.map(|()| None);
            }
        }
    }

    /// The stream only says that nothing more comes. Whether all has come is told here.
    async fn end(&mut self, trailers: &mut Vec<raw::Field>) -> Result<(), Error> {
        let Some(ending) = self.ending.take() else {
            return Ok(());
        };
        match ending.await {
            Ok(None) => Ok(()),
            Ok(Some(fields)) => {
                let fields = fields.copy_all().into_iter();
                trailers.extend(fields.map(|(name, value)| raw::Field { name, value }));
                Ok(())
            }
            Err(code) => Err(crate::fetch::error(self.status, &code)),
        }
    }

    /// The parts as they are, for a message that carries them on. The host joins both ends, and
    /// no byte passes through the guest.
    pub(crate) fn into_parts(self) -> Option<(StreamReader<u8>, Ending)> {
        Some((self.stream, self.ending?))
    }
}

/// The host asks how a body was received. What is wrong with one is said in the response.
fn all_is_well() -> FutureReader<Result<(), ErrorCode>> {
    let (_, reader) = wit_future::new(|| Ok(()));
    reader
}
