//! The host's side: starts the child, hands the component over, and says why
//! there is no answer where there is none.

use std::io::{Read as _, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::{COMPILED, ChildCompiler, For, INVALID, Request, compatibility};
use crate::error::PackageError;

/// Threads of the compiler: more cost memory and save little.
const THREADS: usize = 4;

/// The most of the child's last words that are kept, in bytes.
const LAST_WORDS: u64 = 8 << 10;

/// What a child left behind.
struct Left {
    answer: Vec<u8>,
    words: String,
    status: ExitStatus,
}

impl ChildCompiler {
    /// Compiled code for the target.
    pub(super) fn compile(&self, target: &For<'_>, bytes: &[u8]) -> Result<Vec<u8>, PackageError> {
        let request = Request {
            cpu_seconds: self.limits.cpu_seconds,
            memory_bytes: self.limits.memory_bytes,
            pure: target.pure,
            stack_bytes: target.stack_bytes,
            fuel: target.fuel,
            engine: compatibility(target.engine),
            size: bytes.len() as u64,
        };
        let mut line = serde_json::to_vec(&request).map_err(host)?;
        line.push(b'\n');
        let child = self.start()?;
        let Left { mut answer, words, status } = self.wait(child, line, bytes)?;
        if answer.len() as u64 > self.limits.output_bytes {
            return Err(PackageError::TooMuch {
                what: "bytes of compiled code",
                found: answer.len() as u64,
                allowed: self.limits.output_bytes,
            });
        }
        if !status.success() {
            return Err(self.ended_early(status, &words));
        }
        match answer.first().copied() {
            Some(COMPILED) => {
                answer.remove(0);
                Ok(answer)
            }
            Some(tag) => {
                let why = String::from_utf8_lossy(&answer[1..]).into_owned();
                if out_of_memory(&why) {
                    Err(self.memory())
                } else if tag == INVALID {
                    Err(PackageError::Invalid(crate::error::plain(&why)))
                } else {
                    Err(PackageError::Host(format!("the compiler cannot work: {}", crate::error::plain(&why))))
                }
            }
            None => Err(PackageError::Host("the compiler said nothing".to_owned())),
        }
    }

    fn start(&self) -> Result<Child, PackageError> {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(THREADS);
        Command::new(&self.program)
            .args(&self.args)
            // Nothing of the host's environment: no secret, no setting.
            .env_clear()
            .env("RAYON_NUM_THREADS", threads.to_string())
            // Each of the allocator's arenas takes address space that nobody uses.
            .env("MALLOC_ARENA_MAX", "1")
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| PackageError::Host(format!("the compiler {}: {error}", self.program.display())))
    }

    /// Hands the component over and waits for the end, no longer than allowed.
    fn wait(&self, mut child: Child, line: Vec<u8>, bytes: &[u8]) -> Result<Left, PackageError> {
        let (Some(mut input), Some(output), Some(errors)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(PackageError::Host("the compiler has no pipes".to_owned()));
        };
        let most = self.limits.output_bytes.saturating_add(1);
        let until = Instant::now() + self.limits.wall;
        std::thread::scope(|scope| {
            // A child that ends early closes its end; that is told by its status.
            scope.spawn(move || input.write_all(&line).and_then(|()| input.write_all(bytes)));
            let words = scope.spawn(move || {
                let (mut kept, mut errors) = (Vec::new(), errors);
                let _ = (&mut errors).take(LAST_WORDS).read_to_end(&mut kept);
                let _ = std::io::copy(&mut errors, &mut std::io::sink());
                String::from_utf8_lossy(&kept).into_owned()
            });
            let (tell, told) = mpsc::channel();
            scope.spawn(move || {
                let mut answer = Vec::new();
                let read = output.take(most).read_to_end(&mut answer).map(|_| answer);
                let _ = tell.send(read);
            });
            let answer = match told.recv_timeout(self.limits.wall) {
                Ok(Ok(answer)) => Ok(answer),
                Ok(Err(error)) => Err(host(error)),
                Err(RecvTimeoutError::Timeout) => Err(PackageError::CompileTime {
                    seconds: self.limits.wall.as_secs(),
                    of: "time",
                    setting: "compileWallSeconds",
                }),
                Err(RecvTimeoutError::Disconnected) => Err(PackageError::Host("the compiler was lost".to_owned())),
            };
            // One that was cut off while it still had to say something ends here, too.
            let over = answer.as_ref().map_or(true, |answer| answer.len() as u64 >= most);
            if over {
                let _ = child.kill();
            }
            let status = ended(&mut child, until).map_err(host)?;
            let words = words.join().unwrap_or_default();
            Ok(Left { answer: answer?, words, status })
        })
    }

    /// Why a child that gave no answer gave none.
    fn ended_early(&self, status: ExitStatus, words: &str) -> PackageError {
        let signal = status.signal();
        if signal == Some(Signal::XCPU.as_raw()) || signal == Some(Signal::KILL.as_raw()) {
            return PackageError::CompileTime {
                seconds: self.limits.cpu_seconds,
                of: "processor time",
                setting: "compileCpuSeconds",
            };
        }
        if out_of_memory(words) {
            return self.memory();
        }
        let how = match signal {
            Some(signal) => format!("signal {signal}"),
            None => format!("exit code {}", status.code().unwrap_or_default()),
        };
        PackageError::CompilerBroke(how)
    }

    fn memory(&self) -> PackageError {
        PackageError::CompileMemory { bytes: self.limits.memory_bytes }
    }
}

/// Rust's word when an allocation fails, and the system's; also that there is
/// no room for the stack of another thread.
fn out_of_memory(words: &str) -> bool {
    const SIGNS: [&str; 6] = [
        "memory allocation",
        "Cannot allocate memory",
        "os error 12",
        "memory allocator",
        "Resource temporarily unavailable",
        "ThreadPoolBuildError",
    ];
    SIGNS.iter().any(|sign| words.contains(sign))
}

/// How a child that has given its answer ended: at once, or it is made to.
fn ended(child: &mut Child, until: Instant) -> std::io::Result<ExitStatus> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if Instant::now() >= until {
            child.kill()?;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn host(error: impl std::fmt::Display) -> PackageError {
    PackageError::Host(error.to_string())
}
