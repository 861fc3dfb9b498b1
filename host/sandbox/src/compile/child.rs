//! The child's side: limits first, then the component, then the answer.

use std::io::{self, BufRead as _, Read as _, Write as _};
use std::process::ExitCode;

use rustix::process::{Resource, Rlimit, Signal, set_parent_process_death_signal, setrlimit};

use super::{COMPILED, INVALID, Request, UNABLE, compatibility};
use crate::engine::compiling;

/// The most bytes of the request's line.
const MAX_REQUEST: u64 = 4 << 10;

/// Compiles what comes in on stdin and answers on stdout; what the `huiyin`
/// program does when it is started as a compiler. It limits itself before it
/// reads a byte of the component.
pub fn serve_child() -> ExitCode {
    let (status, answer) = match compile() {
        Ok(answer) => answer,
        Err(error) => (UNABLE, error.to_string().into_bytes()),
    };
    let mut out = io::stdout().lock();
    let told = out.write_all(&[status]).and_then(|()| out.write_all(&answer)).and_then(|()| out.flush());
    if told.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn compile() -> io::Result<(u8, Vec<u8>)> {
    // Whoever asked is gone: nobody wants the answer.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let mut input = io::stdin().lock();
    let mut line = Vec::new();
    (&mut input).take(MAX_REQUEST).read_until(b'\n', &mut line)?;
    let request: Request = serde_json::from_slice(&line).map_err(io::Error::other)?;
    limit(&request)?;
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(usize::try_from(request.size).unwrap_or(usize::MAX)).map_err(io::Error::other)?;
    input.take(request.size).read_to_end(&mut bytes)?;
    if bytes.len() as u64 != request.size {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the component was cut short on its way"));
    }
    let engine = compiling(request.stack_bytes, request.fuel, request.pure).map_err(io::Error::other)?;
    if compatibility(&engine) != request.engine {
        return Err(io::Error::other("the compiler and the host are not the same program; start the host again"));
    }
    match engine.precompile_component(&bytes) {
        Ok(code) => Ok((COMPILED, code)),
        Err(error) => Ok((INVALID, format!("{:#}", error.root_cause()).into_bytes())),
    }
}

/// Sets what this process may use, for good: it cannot raise it again.
fn limit(request: &Request) -> io::Result<()> {
    let set = |resource, most: u64| setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) });
    // One more second before the signal that cannot be caught: the first says why.
    setrlimit(
        Resource::Cpu,
        Rlimit { current: Some(request.cpu_seconds), maximum: Some(request.cpu_seconds.saturating_add(1)) },
    )?;
    set(Resource::As, request.memory_bytes)?;
    // No file may grow, no memory be left behind in one.
    set(Resource::Fsize, 0)?;
    set(Resource::Core, 0)?;
    Ok(())
}
