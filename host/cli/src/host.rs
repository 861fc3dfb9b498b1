//! Starting an engine from the command line, and stopping when asked to.

use std::path::{Path, PathBuf};

use huiyin_engine::config::{self, HostConfig};
use huiyin_engine::trust::Trust;
use huiyin_engine::{Options, StartError};
use huiyin_sandbox::{ChildCompiler, CompileLimits, Compiler, Sandbox, SandboxConfig};

use crate::Setup;
use crate::bundle::bundle;
use crate::folders::user_cache;
use crate::output::{Failure, note};

/// The configuration's name in a data folder.
pub(crate) const CONFIG: &str = "huiyin.json";

/// What a host is started with: real files and clock, unless a test put in others.
pub(crate) fn options(setup: &Setup, config: HostConfig, base: PathBuf) -> Options {
    Options {
        config,
        base,
        bundle: bundle().iter().map(|(_, bytes)| bytes.to_vec()).collect(),
        journal: setup.journal.clone(),
        watch: setup.watch.clone(),
        clock: setup.clock.clone(),
        compiler: compiler(),
        ..Options::in_memory()
    }
}

/// What makes this program a compiler of packages instead: a hidden command.
pub(crate) const COMPILE: &str = "compile-package";

/// Packages are compiled in a limited child of this very program.
pub(crate) fn compiler() -> Compiler {
    // The link names the program that runs, also after its file was replaced.
    let link = PathBuf::from("/proc/self/exe");
    let program = if link.exists() { link } else { std::env::current_exe().unwrap_or(link) };
    Compiler::Child(ChildCompiler { program, args: vec![COMPILE.into()], limits: CompileLimits::default() })
}

/// A sandbox to look at a component, or to call it a few times.
pub(crate) fn sandbox() -> Result<Sandbox, Failure> {
    Sandbox::new(sandbox_config()).map_err(Failure::unreachable)
}

/// How such a sandbox is made.
///
/// What it compiles is kept in the user's own cache, as that of a run in memory: the second look at a
/// large component is a quick one. A folder that cannot be written only costs time.
pub(crate) fn sandbox_config() -> SandboxConfig {
    let cache_dir = user_cache().map(|cache| cache.join("code")).filter(|folder| writable(folder));
    SandboxConfig { compiler: compiler(), cache_dir, ..SandboxConfig::small() }
}

/// Whether files can be made in a folder, which is made where it is missing.
fn writable(folder: &Path) -> bool {
    let probe = folder.join(format!(".{}.probe", std::process::id()));
    std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&probe, [])).is_ok_and(|()| {
        let _ = std::fs::remove_file(&probe);
        true
    })
}

/// Reads a configuration and says where its relative paths begin.
pub(crate) fn read_config(file: &Path) -> Result<(HostConfig, PathBuf), Failure> {
    let config = config::read(file).map_err(Failure::invalid)?;
    let base = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok((config, base.to_owned()))
}

/// Whom the host of a data folder trusts: by a configuration, or by the one in the folder.
pub(crate) fn trust_of(data: &Path, file: Option<&Path>) -> Result<Trust, Failure> {
    let own = data.join(CONFIG);
    let config = match file {
        Some(file) => read_config(file)?.0,
        None if own.exists() => read_config(&own)?.0,
        None => HostConfig::default(),
    };
    Trust::read(&config.trust).map_err(|problems| Failure::invalid(problems.join("\n")))
}

/// A failed start, with its exit code.
pub(crate) fn refused(error: &StartError) -> Failure {
    if error.is_input() {
        if bundle().is_empty() {
            note(format_args!("huiyin: {}", crate::bundle::EMPTY));
        }
        Failure::invalid(error)
    } else {
        Failure::unreachable(error)
    }
}

/// Threads for a runtime: one core fewer than there are, since the journal's writer and the workers need some, too.
/// With as many as there are cores a system that keeps two on the same core lets one of them wait there for
/// milliseconds, and with it the run that it was at, while the other core is nearly idle
/// (`docs/decisions/0003-brief-turns-and-fuller-groups.md`). `TOKIO_WORKER_THREADS`, where it is set, is the number.
fn threads() -> Result<usize, Failure> {
    const NAME: &str = "TOKIO_WORKER_THREADS";
    let Some(given) = std::env::var_os(NAME) else {
        return Ok(std::thread::available_parallelism().map_or(1, |cores| cores.get() - 1).max(1));
    };
    let number = given.to_str().and_then(|text| text.parse().ok()).filter(|number| (1..=MOST_THREADS).contains(number));
    number.ok_or_else(|| {
        let given = given.to_string_lossy();
        Failure::invalid(format_args!("{NAME} is `{}`; it is a number from 1 to {MOST_THREADS}", given.escape_debug()))
    })
}

/// More is a mistake.
const MOST_THREADS: usize = 1_024;

/// The runtime for commands that need one.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads()?)
        // Timers and sockets are looked at by the threads themselves, also where no other is idle.
        .event_interval(16)
        .enable_all()
        // What the journal and the workers wake, a partition's loop, goes on after two tasks at the latest.
        .global_queue_interval(2)
        .build()
        .map_err(|error| Failure::unreachable(format_args!("no threads: {error}")))
}

/// From here on a file that may grow no further (`ulimit -f`) is an error of whoever writes, which says
/// so, and not the silent end of the process by SIGXFSZ. It holds for as long as the process lives.
pub(crate) fn hear_of_full_files() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
    let Ok(runtime) = runtime else { return };
    let within = runtime.enter();
    let signal = tokio::signal::unix::SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw());
    // Nobody listens: that it is caught is enough. Where it cannot be, all is as it was.
    drop(tokio::signal::unix::signal(signal));
    drop(within);
}

/// Resolves at SIGINT or SIGTERM. Made before anything is started, so that
/// no signal finds nobody listening.
pub(crate) struct Asked {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Asked {
    /// Listens from now on; within a runtime.
    pub(crate) fn new() -> Result<Asked, Failure> {
        use tokio::signal::unix::{SignalKind, signal};
        let listen = |kind| signal(kind).map_err(|error| Failure::unreachable(format_args!("signals: {error}")));
        Ok(Asked { interrupt: listen(SignalKind::interrupt())?, terminate: listen(SignalKind::terminate())? })
    }

    /// Waits for either.
    pub(crate) async fn stop_asked(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Sends what the host says of itself to stderr. `HUIYIN_LOG` chooses, as in `HUIYIN_LOG=debug`.
pub(crate) fn log_to_stderr(default: &str) {
    use std::io::IsTerminal as _;
    let filter = tracing_subscriber::EnvFilter::try_from_env("HUIYIN_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(default));
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .try_init();
}
