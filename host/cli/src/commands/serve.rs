//! `huiyin serve`: the host.

mod doors;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use huiyin_engine::{Engine, Options};
use huiyin_server::{SignIn, Token};
use tokio_util::sync::CancellationToken;

use crate::Setup;
use crate::folders::{DATA, HostFile};
use crate::host::{Asked, CONFIG, log_to_stderr, options, read_config, refused, runtime};
use crate::output::{Failure, note};

/// Where the API listens unless told.
const LISTEN: &str = "127.0.0.1:7575";

/// How long a host that has stopped waits for threads that are still at something.
const LAST: Duration = Duration::from_secs(5);

/// Run the host
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  huiyin serve --config bureau/huiyin.json --data /var/lib/huiyin\n\nPrints one line that begins with `ready` on stderr when it is. Stops cleanly at SIGINT and SIGTERM; reads a TLS certificate again at SIGHUP.\nExit 3: the store failed."
)]
pub(crate) struct Args {
    /// What is watched, which workflows run; the data folder's huiyin.json unless given.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where everything is kept.
    #[arg(long, value_name = "DIR", default_value = DATA)]
    data: PathBuf,
    /// Where the API listens; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// Accept an address that other machines can reach, in plain HTTP.
    #[arg(long)]
    listen_publicly: bool,
    /// Serve TLS at this address, too, by --tls-certificate and --tls-key.
    #[arg(long, value_name = "ADDRESS:PORT")]
    tls_listen: Option<SocketAddr>,
    /// The certificate with those between it and its authority, PEM; read again at SIGHUP and when it changes.
    #[arg(long, value_name = "FILE")]
    tls_certificate: Option<PathBuf>,
    /// The certificate's private key, PEM, in a file of its owner's alone.
    #[arg(long, value_name = "FILE")]
    tls_key: Option<PathBuf>,
    /// Show pages that are asked for here in plain HTTP the way to TLS.
    #[arg(long, value_name = "ADDRESS:PORT")]
    redirect_listen: Option<SocketAddr>,
    /// A proxy whose x-forwarded-… headers are believed, an address or a range; may be given several times.
    #[arg(long, value_name = "ADDRESS")]
    trusted_proxy: Vec<String>,
    /// Begin a new audit log where the folder's is gone; what it proved is given up, and that goes on record.
    #[arg(long)]
    new_audit_log: bool,
}

pub(crate) fn run(args: &Args, setup: &Setup) -> Result<(), Failure> {
    let began = Instant::now();
    log_to_stderr("info");
    crate::process::keep_private();
    let own = args.data.join(CONFIG);
    let (config, base) = match &args.config {
        Some(file) => read_config(file)?,
        None if own.exists() => read_config(&own)?,
        None => (huiyin_engine::config::HostConfig::default(), PathBuf::from(".")),
    };
    let listen = match (args.listen, &config.listen) {
        (Some(address), _) => address,
        (None, told) => {
            let text = told.as_deref().unwrap_or(LISTEN);
            text.parse()
                .map_err(|_| Failure::invalid(format_args!("/listen: `{text}` is no address; write it as {LISTEN}")))?
        }
    };
    let doors = doors::wanted(args, &config, &base)?;
    let options =
        Options { data: Some(args.data.clone()), new_audit_log: args.new_audit_log, ..options(setup, config, base) };
    let bounds = huiyin_server::Bounds::within(crate::process::raise_file_limit());
    let runtime = runtime()?;
    let done = runtime.block_on(async {
        let asked = Asked::new()?;
        // The address first: refusing it must not leave a started store behind.
        let listener = huiyin_server::bind(listen, args.listen_publicly).await.map_err(|error| match error {
            huiyin_server::ListenError::Public(_) => Failure::invalid(error),
            huiyin_server::ListenError::Io { .. } => Failure::unreachable(error),
        })?;
        let doors = doors.open(listener).await?;
        let engine = Engine::start(options).await.map_err(|error| refused(&error))?;
        serve(Arc::new(engine), doors, &args.data, asked, began, bounds).await
    });
    // What still hangs on a disk that gives no answer is not waited for: everything that was told is durable.
    runtime.shutdown_timeout(LAST);
    done
}

async fn serve(
    engine: Arc<Engine>,
    doors: doors::Open,
    data: &std::path::Path,
    mut asked: Asked,
    began: Instant,
    bounds: huiyin_server::Bounds,
) -> Result<(), Failure> {
    let stop = CancellationToken::new();
    let started = async {
        doors.follow(&stop)?;
        let token = Token::load_or_create(data).map_err(Failure::unreachable)?;
        let url = doors.url.clone();
        let sign_in = SignIn::of(data, &token);
        let code = sign_in.first_code().map_err(Failure::unreachable)?;
        HostFile::write(data, &url)?;
        Ok::<_, Failure>((token, url, sign_in, code))
    };
    let (token, url, sign_in, code) = match started.await {
        Ok(started) => started,
        Err(failure) => {
            let _ = engine.stop().await;
            return Err(failure);
        }
    };
    let router = huiyin_server::router_with(Arc::clone(&engine), token, Arc::new(sign_in), stop.clone());
    let secure = doors.secure.clone();
    let served = huiyin_server::serve_doors(doors.listeners, router, bounds, stop.clone().cancelled_owned());
    let served = tokio::spawn(served);
    note(format_args!("ready {url} data={} in {} ms", data.display(), began.elapsed().as_millis()));
    if let Some(secure) = secure {
        note(format_args!("serves TLS at {secure}"));
    }
    crate::welcome::say_how_to_come_in(&url, data, code.as_deref());
    let failed = tokio::select! {
        () = asked.stop_asked() => false,
        () = engine.failed() => true,
    };
    HostFile::remove(data);
    stop.cancel();
    let _ = served.await;
    let stopped = engine.stop().await;
    match (failed, stopped) {
        (false, Ok(())) => {
            note("stopped");
            Ok(())
        }
        (_, Err(why)) => Err(Failure::unreachable(format_args!("the store failed: {why}"))),
        (true, Ok(())) => Err(Failure::unreachable("the store failed; see the log above")),
    }
}
