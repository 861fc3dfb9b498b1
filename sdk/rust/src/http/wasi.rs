//! `wasi:http@0.2` through the bindings of `wasip2`.

use super::{Error, Request, Response};

pub(super) fn send(_request: &Request) -> Result<Response, Error> {
    Err(Error::Denied("unwritten".to_owned()))
}
