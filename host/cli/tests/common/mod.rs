//! A host as a process, and the program.

#![allow(dead_code)] // each test program uses its own part

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

/// A host as a process.
pub struct Host {
    child: Child,
    /// Where its API is.
    pub url: String,
    rest: BufReader<std::process::ChildStderr>,
}

impl Host {
    /// Starts it on a data folder, and waits until it is ready.
    pub fn start(data: &Path) -> Host {
        Host::start_with(data, &[])
    }

    /// The same with further arguments.
    pub fn start_with(data: &Path, more: &[&str]) -> Host {
        Host::start_program(Command::new(env!("CARGO_BIN_EXE_huiyin")), data, more)
    }

    /// The same with so few open files.
    pub fn start_with_files(data: &Path, files: u32) -> Host {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("ulimit -n {files} && exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_huiyin")]);
        Host::start_program(shell, data, &[])
    }

    fn start_program(mut program: Command, data: &Path, more: &[&str]) -> Host {
        let mut child = program
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .args(more)
            .env("HUIYIN_LOG", "error")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut rest = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.starts_with("ready ") {
            line.clear();
            assert!(rest.read_line(&mut line).unwrap() > 0, "the host ended before it was ready");
        }
        let url = line.split_whitespace().nth(1).unwrap().to_owned();
        Host { child, url, rest }
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to stop; gives its exit code and what it said since it was ready.
    pub fn stop(mut self) -> (i32, String) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        let status = self.child.wait().unwrap();
        let mut said = String::new();
        std::io::Read::read_to_string(&mut self.rest, &mut said).unwrap();
        (status.code().unwrap(), said)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs the program to its end.
pub fn huiyin(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_huiyin")).args(args).output().unwrap()
}
