//! Answers in place of the network, for tests of plugin logic.

use std::cell::RefCell;

use super::{Error, Request, Response};

type Handler = Box<dyn FnMut(&Request) -> Result<Response, Error>>;

thread_local! {
    static HANDLER: RefCell<Option<Handler>> = const { RefCell::new(None) };
}

/// Takes the answers away again when dropped.
#[must_use = "dropping it stops the answers"]
#[derive(Debug)]
pub struct Serving(());

impl Drop for Serving {
    fn drop(&mut self) {
        HANDLER.with(|handler| handler.borrow_mut().take());
    }
}

/// Lets `handler` answer this thread's requests until the result is dropped.
pub fn serve(handler: impl FnMut(&Request) -> Result<Response, Error> + 'static) -> Serving {
    HANDLER.with(|there| *there.borrow_mut() = Some(Box::new(handler)));
    Serving(())
}

pub(super) fn send(request: &Request) -> Result<Response, Error> {
    HANDLER.with(|handler| match handler.borrow_mut().as_mut() {
        Some(answer) => answer(request),
        None => Err(Error::Denied(
            "outside a host there is no network; a test answers with http::testing::serve".to_owned(),
        )),
    })
}
