//! Each limit of the configuration: what just fits is served, what is past it is refused with the
//! right status, and other requests never notice.

mod answers;
mod places;
mod requests;
mod unread;
