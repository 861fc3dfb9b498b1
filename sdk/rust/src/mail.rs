//! Mail by the host's way out. The host speaks SMTP (RFC 5321) over TLS, within the plugin's grant for
//! `smtps://…` or `smtp://…`; it puts the password in, and takes it out of what the server says.

use crate::http::{self, Request};
use crate::{Error, secrets};

/// A message on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// `smtps://mail.example.cn` (TLS at once, port 465) or `smtp://…` (STARTTLS, port 587).
    pub server: String,
    /// The user, and the name of the secret that is the password; none for servers that want no login.
    pub login: Option<(String, String)>,
    /// The sender's address.
    pub from: String,
    /// The recipients' addresses, 1 to 100.
    pub to: Vec<String>,
    /// The message (RFC 5322), with lines that end in CRLF.
    pub message: Vec<u8>,
    /// How long to wait for the connection, in seconds.
    pub timeout_seconds: u32,
}

impl Submission {
    /// Hands it over; gives the server's words. Either every recipient is taken or nobody.
    ///
    /// # Errors
    /// [`Error::Unknown`] only where the connection broke after the message had begun.
    pub fn send(&self) -> Result<String, Error> {
        if !self.server.starts_with("smtps://") && !self.server.starts_with("smtp://") {
            return Err(Error::InvalidConfig(format!(
                "{:?} is no mail server; write smtps://mail.example.cn, or smtp:// for one that begins with STARTTLS",
                self.server
            )));
        }
        let mut request = Request::post(&self.server, self.message.clone())
            .timeout(self.timeout_seconds)
            .header("content-type", "message/rfc822")
            .header("smtp-from", &self.from);
        for to in &self.to {
            request = request.header("smtp-to", to);
        }
        if let Some((user, password)) = &self.login {
            request = request.header("smtp-user", user).header("smtp-password", secrets::placeholder(password)?);
        }
        let response = request.send()?;
        judge(&self.server, &response)
    }
}

/// What the host says of it.
fn judge(server: &str, response: &http::Response) -> Result<String, Error> {
    let words = String::from_utf8_lossy(&response.body);
    let words: String = words.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(300).collect();
    let said = match response.header("smtp-code") {
        Some(code) => format!("{server} answered {code}: {words}"),
        None => format!("{server}: {words}"),
    };
    match response.status {
        200 => Ok(said),
        401 => Err(Error::InvalidConfig(format!("{said}; look at the user and its secret"))),
        400 | 422 => Err(Error::InvalidInput(said)),
        503 => Err(Error::Transient(said)),
        _ => Err(Error::Unknown(said)),
    }
}
