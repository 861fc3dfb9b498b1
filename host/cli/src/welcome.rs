//! What people are told of the web console when a host starts.

use std::path::Path;

use crate::output::note;

/// Says whether the console is there, and how the first admin is made where nobody can sign in yet.
pub(crate) fn say_how_to_come_in(url: &str, data: &Path, code: Option<&str>) {
    if !huiyin_server::console_built_in() {
        tracing::warn!("built without the web console; `make console` builds it, then build again");
        note("without web console: this program was built before `make console`; the API works as always");
    }
    if let Some(code) = code {
        note(format_args!(
            "nobody can sign in yet: open {url} and make the first admin with the code {code} (it holds once, for a day), \
             or run `huiyin account add admin --admin --data {}`",
            data.display()
        ));
    }
}
