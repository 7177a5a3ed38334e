//! A guest of a wasi lane called like one of the lean lane: a whole request in, a whole answer out.
//! For probes, and for requests whose body had been received when the guest's lane changed.

use super::download::{Download, Piece, StreamedHead};
use super::next::NoContent;
use super::request::streamed_request;
use super::upload::{Demand, UploadSender, upload};
use crate::guest::answer::Response;
use crate::guest::call::Guest;
use crate::guest::error::{BadAnswer, CallError};
use crate::guest::interface::Request;
use crate::guest::usage::Usage;
use bytes::Bytes;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

impl Guest {
    /// As [`Guest::call`]. A guest that waits past the deadline is the caller's to stop.
    pub(in crate::guest) async fn call_buffered(
        &self,
        request: Request<'_>,
        deadline: Instant,
    ) -> (Result<Response, CallError>, Usage) {
        let (sender, body) = upload(Some(request.body.len() as u64));
        let bodiless = request.method == "HEAD";
        let head = match streamed_request(&request, body) {
            Ok(head) => head,
            Err(unfit) => {
                let code = unfit.to_string();
                return (Err(CallError::Refused { code }), Usage::default());
            }
        };
        let (serving, download) = self.prepare(head, request.id);
        let serving = serving.with_next(Arc::new(NoContent));
        let body = Bytes::copy_from_slice(request.body);
        let mut call = pin!(self.serve_alone(serving, deadline));
        let taken = self.take(download, bodiless);
        let mut answer = pin!(beside(give(sender, body), taken));
        let (mut ended, mut answered) = (None, None);
        poll_fn(|context| {
            if ended.is_none()
                && let Poll::Ready(end) = call.as_mut().poll(context)
            {
                ended = Some(end);
            }
            if answered.is_none()
                && let Poll::Ready(answer) = answer.as_mut().poll(context)
            {
                answered = Some(answer);
            }
            match (&ended, &answered) {
                (Some(_), Some(_)) | (None, Some(Err(_))) => Poll::Ready(()),
                _ => Poll::Pending,
            }
        })
        .await;
        let (result, usage) = ended.unwrap_or((Ok(()), Usage::default()));
        let answer = answered.unwrap_or(Err(CallError::NoAnswer));
        (result.and(answer), usage)
    }

    async fn take(&self, mut download: Download, bodiless: bool) -> Result<Response, CallError> {
        let head = poll_fn(|context| download.poll_head(context)).await;
        let StreamedHead {
            status,
            fields,
            content_length,
        } = head.ok_or(CallError::NoAnswer)??;
        let max = self.kit.answer_limits().body_max;
        let mut body = Vec::new();
        loop {
            match poll_fn(|context| download.poll_piece(context)).await {
                Piece::Data(data) => {
                    let bytes = (body.len() + data.len()) as u64;
                    if bytes > max {
                        return Err(BadAnswer::BodyTooLarge { bytes, max }.into());
                    }
                    body.extend_from_slice(&data);
                }
                Piece::End(_) => break,
                Piece::Broken => return Err(CallError::BrokenBody),
            }
        }
        let bodiless = bodiless || status == 304;
        Ok(Response {
            status,
            fields,
            content_length: content_length.filter(|_| bodiless),
            body,
        })
    }
}

/// Hands over a body that is here, when and if the guest asks for it.
async fn give(sender: UploadSender, body: Bytes) {
    if !body.is_empty() {
        match poll_fn(|context| sender.poll_demand(context)).await {
            Demand::Wanted => sender.send(body),
            Demand::Unwanted => return,
        }
    }
    sender.end([]);
}

/// The output of `main`, while `aside` goes on as well.
async fn beside<T>(aside: impl Future<Output = ()>, main: impl Future<Output = T>) -> T {
    let (mut aside, mut main) = (pin!(aside), pin!(main));
    let mut is_over = false;
    poll_fn(|context| {
        if !is_over {
            is_over = aside.as_mut().poll(context).is_ready();
        }
        main.as_mut().poll(context)
    })
    .await
}
