//! Sample people who can sign in to the demo's console. Their password is made
//! at the first start and printed at each: it is a demo, on this machine only.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use huiyin_server::{AccountError, Accounts, first_password};

use crate::output::{Failure, note};

/// Who they are, and what for.
const PEOPLE: [(&str, bool, &str); 4] = [
    ("xu-ming", false, "许明,青枫县值班员 (a county's officer on duty)"),
    ("gao-yuan", false, "高原,青枫县负责人,第二人审批 (its principal, the second person)"),
    ("he-ping", false, "何平,市局值班员,管各单位 (the city's officer, above all units)"),
    ("demo-admin", true, "主机管理员 (admin of the host: plugins, accounts)"),
];

/// Beside the sample bureau's files.
const FILE: &str = "bureau/sign-in-password";

/// The sample people's password.
pub(super) struct Sample(String);

impl Sample {
    /// Makes their accounts where they are not there yet.
    pub(super) fn settle(folder: &Path) -> Result<Sample, Failure> {
        let path = folder.join(FILE);
        let io = |error: std::io::Error| Failure::unreachable(format_args!("{}: {error}", path.display()));
        let password = match std::fs::read_to_string(&path) {
            Ok(text) => text.trim().to_owned(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let made = first_password().map_err(Failure::unreachable)?;
                let mut file =
                    std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(io)?;
                file.write_all(made.as_bytes()).and_then(|()| file.sync_all()).map_err(io)?;
                made
            }
            Err(error) => return Err(io(error)),
        };
        let accounts = Accounts::of(folder);
        let known = accounts.all().map_err(Failure::unreachable)?;
        for (name, admin, _) in PEOPLE.iter().filter(|(name, ..)| !known.contains_key(*name)) {
            match accounts.add(name, *admin, &password, false) {
                Ok(_) | Err(AccountError::Known(_)) => {}
                Err(error) => return Err(Failure::unreachable(error)),
            }
        }
        Ok(Sample(password))
    }

    /// Tells how to come in.
    pub(super) fn say(&self, url: &str) {
        if !huiyin_server::console_built_in() {
            return note("without web console: this program was built before `make console`; the API works as always");
        }
        note(format_args!("web console 网页控制台: {url}   password 口令: {}", self.0));
        for (name, _, what) in PEOPLE {
            note(format_args!("  {name:10}  {what}"));
        }
    }
}
