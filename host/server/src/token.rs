//! The admin token: 256 random bits, made at the first start, in a file that
//! only its owner may read. Never logged, never in an error.

use std::fs::{OpenOptions, Permissions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

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
        let io = |error| TokenError::Io { path: path.to_owned(), error };
        let file = std::fs::File::open(path).map_err(io)?;
        let mode = file.metadata().map_err(io)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(TokenError::Open { path: path.to_owned(), mode });
        }
        let mut text = String::new();
        let malformed = || TokenError::Malformed { path: path.to_owned() };
        file.take(BYTES as u64 * 2 + 2).read_to_string(&mut text).map_err(|_| malformed())?;
        let text = text.trim_end();
        if text.len() == BYTES * 2 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
            Ok(Token(text.to_owned()))
        } else {
            Err(malformed())
        }
    }

    /// Writes a fresh token under a name of its own and then links it into
    /// place, so that a crash leaves a whole token or none.
    fn create(path: &Path) -> Result<Token, TokenError> {
        let io = |error| TokenError::Io { path: path.to_owned(), error };
        if path.exists() {
            return Err(io(ErrorKind::AlreadyExists.into()));
        }
        let mut random = [0; BYTES];
        getrandom::fill(&mut random).map_err(TokenError::Random)?;
        let token = hex::encode(random);
        let draft = path.with_extension(format!("{}.tmp", std::process::id()));
        let write = || {
            let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
            file.set_permissions(Permissions::from_mode(0o600))?;
            writeln!(file, "{token}")?;
            file.sync_all()?;
            std::fs::hard_link(&draft, path)
        };
        let written = write();
        let _ = std::fs::remove_file(&draft);
        written.map_err(io)?;
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
