//! The admin token: 256 random bits, made at the first start, in a file that
//! only its owner may read. Never logged, never in an error.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use huiyin_files::{Exposed, ReadError};
use subtle::ConstantTimeEq as _;

/// The file's name in the data folder.
pub const TOKEN_FILE: &str = "api-token";

/// Random bytes in a token.
const BYTES: usize = 32;

/// The admin token.
#[derive(Clone)]
pub struct Token(String);

/// Why there is no token to go by.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The file could not be read or made.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// Others may read the file.
    #[error("{} may be read by others (mode {mode:o}); `chmod 600` it, or delete it to get a new token", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file is another user's, or no plain file.
    #[error("{}: {why}; delete it to get a new token", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: Exposed,
    },
    /// The file holds something else.
    #[error("{} holds no token of {} hex digits; delete it to get a new one", path.display(), BYTES * 2)]
    Malformed {
        /// The file.
        path: PathBuf,
    },
    /// The system gives no random bytes.
    #[error("the system gives no random bytes: {0}")]
    Random(getrandom::Error),
}

impl Token {
    /// Reads the token of a data folder, or makes one.
    ///
    /// # Errors
    /// When the file cannot be read or made, may be read by others, or holds no token.
    pub fn load_or_create(data: &Path) -> Result<Token, TokenError> {
        let path = data.join(TOKEN_FILE);
        match Self::create(&path) {
            Err(TokenError::Io { error, .. }) if error.kind() == ErrorKind::AlreadyExists => Self::load(&path),
            made => made,
        }
    }

    /// Reads the token from its file.
    ///
    /// # Errors
    /// When the file cannot be read, may be read by others, or holds no token.
    pub fn load(path: &Path) -> Result<Token, TokenError> {
        let malformed = || TokenError::Malformed { path: path.to_owned() };
        let bytes = match huiyin_files::read_private(path, BYTES as u64 * 2 + 2) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Err(TokenError::Io { path: path.to_owned(), error: ErrorKind::NotFound.into() }),
            Err(ReadError::Io(error)) => return Err(TokenError::Io { path: path.to_owned(), error }),
            Err(ReadError::Exposed(Exposed::Mode(mode))) => {
                return Err(TokenError::Open { path: path.to_owned(), mode });
            }
            Err(ReadError::Exposed(why)) => return Err(TokenError::Foreign { path: path.to_owned(), why }),
            Err(ReadError::TooLarge { .. }) => return Err(malformed()),
        };
        let text = std::str::from_utf8(&bytes).map_err(|_| malformed())?;
        let text = text.trim_end();
        if text.len() == BYTES * 2 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
            Ok(Token(text.to_owned()))
        } else {
            Err(malformed())
        }
    }

    /// Makes a fresh token: a crash leaves a whole one or none, and of several hosts at once one makes it.
    fn create(path: &Path) -> Result<Token, TokenError> {
        let io = |error| TokenError::Io { path: path.to_owned(), error };
        if path.exists() {
            return Err(io(ErrorKind::AlreadyExists.into()));
        }
        let mut random = [0; BYTES];
        getrandom::fill(&mut random).map_err(TokenError::Random)?;
        let token = hex::encode(random);
        huiyin_files::create_private(path, format!("{token}\n").as_bytes()).map_err(io)?;
        Ok(Token(token))
    }

    /// Whether this is the token, in a time that tells nothing of where they differ.
    pub fn is(&self, offered: &str) -> bool {
        self.0.as_bytes().ct_eq(offered.as_bytes()).into()
    }

    /// The token itself, for whoever has to present it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_token_is_made_once_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let first = Token::load_or_create(folder.path()).unwrap();
        let again = Token::load_or_create(folder.path()).unwrap();
        assert!(again.is(first.reveal()) && first.reveal().len() == 64);
        let mode = std::fs::metadata(folder.path().join(TOKEN_FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn another_token_is_not_it() {
        let folder = tempfile::tempdir().unwrap();
        let token = Token::load_or_create(folder.path()).unwrap();
        assert!(!token.is("") && !token.is(&token.reveal()[1..]) && !token.is(&"0".repeat(64)));
    }

    #[test]
    fn a_file_that_others_may_read_or_that_is_cut_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        Token::load_or_create(folder.path()).unwrap();
        let path = folder.path().join(TOKEN_FILE);
        std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(Token::load(&path), Err(TokenError::Open { mode: 0o644, .. })));
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        std::fs::write(&path, "abc").unwrap();
        assert!(matches!(Token::load(&path), Err(TokenError::Malformed { .. })));
    }
}
