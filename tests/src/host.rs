//! A host as a real process that can be killed.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Longest wait for `ready`.
const START: Duration = Duration::from_secs(60);

/// A running host.
pub struct Host {
    child: Child,
    /// Where its API is.
    pub url: String,
    token: String,
    said: Arc<Mutex<Vec<String>>>,
}

/// How to start one.
pub struct Start<'a> {
    /// The program.
    pub program: &'a Path,
    /// Its configuration.
    pub config: &'a Path,
    /// Its data folder.
    pub data: &'a Path,
    /// Variables for its environment.
    pub env: Vec<(&'static str, String)>,
}

impl Start<'_> {
    /// Starts the host and waits until it is ready.
    ///
    /// # Errors
    /// What it said when it did not become ready.
    pub fn go(&self) -> Result<Host, String> {
        let mut command = Command::new(self.program);
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--config"])
            .arg(self.config)
            .arg("--data")
            .arg(self.data)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        for (name, value) in &self.env {
            command.env(name, value);
        }
        let mut child = command.spawn().map_err(|e| format!("{}: {e}", self.program.display()))?;
        let said = Arc::new(Mutex::new(Vec::new()));
        let Some(stderr) = child.stderr.take() else { return Err("no stderr".to_owned()) };
        let heard = Arc::clone(&said);
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if let Ok(mut said) = heard.lock() {
                    said.push(line);
                }
            }
        });
        let began = Instant::now();
        loop {
            let ready = said.lock().ok().and_then(|s| s.iter().find(|line| line.starts_with("ready ")).cloned());
            if let Some(line) = ready {
                let url = line.split_whitespace().nth(1).unwrap_or_default().to_owned();
                let file = self.data.join("api-token");
                let token = std::fs::read_to_string(&file).map_err(|e| format!("{}: {e}", file.display()))?;
                return Ok(Host { child, url, token: token.trim().to_owned(), said });
            }
            if let Ok(Some(status)) = child.try_wait() {
                std::thread::sleep(Duration::from_millis(100));
                return Err(format!("ended with {status} before it was ready:\n{}", joined(&said)));
            }
            if began.elapsed() > START {
                let _ = child.kill();
                return Err(format!("not ready after {START:?}:\n{}", joined(&said)));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

fn joined(said: &Mutex<Vec<String>>) -> String {
    said.lock().map(|s| s.join("\n")).unwrap_or_default()
}

impl Host {
    /// `kill -9`.
    ///
    /// # Errors
    /// With its exit code, when it had already ended by itself.
    pub fn kill(mut self) -> Result<(), String> {
        if let Ok(Some(status)) = self.child.try_wait() {
            return Err(format!("the host had ended by itself with {status}:\n{}", joined(&self.said)));
        }
        self.child.kill().map_err(|e| e.to_string())?;
        self.child.wait().map(drop).map_err(|e| e.to_string())
    }

    /// Asks it to stop (SIGTERM) and waits.
    ///
    /// # Errors
    /// When it ends with anything but success.
    pub fn stop(mut self) -> Result<(), String> {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).map_err(|e| e.to_string())?;
        let status = self.child.wait().map_err(|e| e.to_string())?;
        if status.success() { Ok(()) } else { Err(format!("ended with {status}:\n{}", joined(&self.said))) }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has said on stderr so far.
    pub fn said(&self) -> String {
        joined(&self.said)
    }

    /// A client for its API, usable from any thread.
    pub fn client(&self) -> Client {
        Client::at(self.url.clone(), self.token.clone())
    }
}

/// Asks a host over HTTP.
#[derive(Clone)]
pub struct Client {
    agent: ureq::Agent,
    url: String,
    token: String,
}

impl Client {
    /// A client for an API at this address.
    pub fn at(url: String, token: String) -> Client {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(20)))
            .build()
            .new_agent();
        Client { agent, url, token }
    }

    /// GET; the status and the JSON that came.
    ///
    /// # Errors
    /// When no answer came.
    pub fn get(&self, path: &str) -> Result<(u16, Value), String> {
        let request =
            self.agent.get(format!("{}{path}", self.url)).header("authorization", format!("Bearer {}", self.token));
        read(request.call())
    }

    /// POST; the status and the JSON that came.
    ///
    /// # Errors
    /// When no answer came.
    pub fn post(&self, path: &str, body: &Value) -> Result<(u16, Value), String> {
        let request = self
            .agent
            .post(format!("{}{path}", self.url))
            .header("authorization", format!("Bearer {}", self.token))
            .header("huiyin-actor", "admin:test");
        read(request.send_json(body))
    }
}

fn read(answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<(u16, Value), String> {
    let mut answer = answer.map_err(|e| e.to_string())?;
    let status = answer.status().as_u16();
    let value = answer.body_mut().with_config().limit(256 << 20).read_json().map_err(|e| e.to_string())?;
    Ok((status, value))
}

/// The program that this test run built.
pub fn program(name: &str) -> PathBuf {
    // Tests run from <target>/<profile>/deps.
    let mut folder = std::env::current_exe().unwrap_or_default();
    folder.pop();
    if folder.ends_with("deps") {
        folder.pop();
    }
    folder.join(name)
}
