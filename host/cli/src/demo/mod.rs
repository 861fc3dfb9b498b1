//! The demo: a sample bureau on this machine, with sources that it serves
//! itself over real HTTP, a receiver for notifications, and a screen that
//! shows what goes on. Everything between them is the real host.

mod bureau;
mod local;
mod sample;
mod screen;
pub(crate) mod story;
mod world;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use huiyin_engine::shell::SystemClock;
use huiyin_engine::{Engine, Options};
use huiyin_server::{SignIn, Token};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub(crate) use self::bureau::POLICY;
use self::bureau::{Bureau, Kit};
use self::local::Told;
use self::sample::Sample;
use self::screen::Screen;
use self::world::World;
use crate::Setup;
use crate::folders::HostFile;
use crate::host::{Asked, options, read_config, refused, runtime};
use crate::output::{Failure, note};

/// How often the screen is brought up to date.
const BEAT: Duration = Duration::from_secs(1);

/// How a demo runs.
pub(crate) struct Plan {
    /// Where everything is kept.
    pub(crate) folder: PathBuf,
    /// Real titles to mix in; none for the sample alone.
    pub(crate) feed: Option<PathBuf>,
    /// End by itself after so long.
    pub(crate) ends_after: Option<Duration>,
}

/// Runs the demo until it is asked to stop.
pub(crate) fn run(plan: &Plan, setup: &Setup) -> Result<(), Failure> {
    if crate::bundle::bundle().is_empty() {
        return Err(Failure::invalid(crate::bundle::EMPTY));
    }
    runtime()?.block_on(async {
        let asked = Asked::new()?;
        let clock = setup.clock.clone().unwrap_or_else(|| Arc::new(SystemClock));
        let bureau = Bureau::open(&plan.folder, Kit::live(), clock.now())?;
        let listener = bureau.listen().await?;
        let bureau = bureau.settle(&listener)?;
        let world = Arc::new(World::load(plan.feed.as_deref(), bureau.began)?);
        let (tell, told) = mpsc::unbounded_channel();
        let stop = CancellationToken::new();
        let local = tokio::spawn(huiyin_server::serve(
            listener,
            local::router(Arc::clone(&world), clock, tell),
            stop.clone().cancelled_owned(),
        ));
        let done = host(plan, setup, &bureau, &world, told, asked).await;
        stop.cancel();
        let _ = local.await;
        done
    })
}

async fn host(
    plan: &Plan,
    setup: &Setup,
    bureau: &Bureau,
    world: &World,
    told: mpsc::UnboundedReceiver<Told>,
    mut asked: Asked,
) -> Result<(), Failure> {
    let began = Instant::now();
    let (mut config, base) = read_config(&bureau.config)?;
    let listen = config.listen.take().and_then(|address| address.parse().ok());
    if !plan.folder.join("cache").exists() {
        note("compiling the plugins for this machine, once …");
    }
    let options = Options { data: Some(plan.folder.clone()), ..options(setup, config, base) };
    let engine = Arc::new(Engine::start(options).await.map_err(|error| refused(&error))?);
    let stop = CancellationToken::new();
    let served = serve(&engine, listen, &plan.folder, &stop).await;
    let (url, served, sample) = match served {
        Ok(served) => served,
        Err(failure) => {
            let _ = engine.stop().await;
            return Err(failure);
        }
    };
    note(format_args!(
        "ready {url} data={} in {} ms; {}",
        plan.folder.display(),
        began.elapsed().as_millis(),
        world.about()
    ));
    sample.say(&url);
    note(format_args!("look around: huiyin case list --data {}", plan.folder.display()));
    let end = async {
        match plan.ends_after {
            Some(after) => tokio::time::sleep(after).await,
            None => std::future::pending().await,
        }
    };
    let failed = tokio::select! {
        shown = show(&engine, told) => shown.is_err(),
        () = asked.stop_asked() => false,
        () = engine.failed() => true,
        () = end => false,
    };
    HostFile::remove(&plan.folder);
    stop.cancel();
    let _ = served.await;
    let stopped = engine.stop().await;
    if failed || stopped.is_err() {
        let why = stopped.err().unwrap_or_else(|| "see above".to_owned());
        return Err(Failure::unreachable(format_args!("the demo's host failed: {why}")));
    }
    note(format_args!("stopped; `huiyin demo --data {}` goes on where it was", plan.folder.display()));
    Ok(())
}

/// The API, at its usual address or, where that is taken, at a free one.
async fn serve(
    engine: &Arc<Engine>,
    wanted: Option<std::net::SocketAddr>,
    folder: &Path,
    stop: &CancellationToken,
) -> Result<(String, tokio::task::JoinHandle<()>, Sample), Failure> {
    let free = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let usual = match wanted {
        Some(address) => huiyin_server::bind(address, false).await.ok(),
        None => None,
    };
    let listener = match usual {
        Some(listener) => listener,
        None => huiyin_server::bind(free, false).await.map_err(Failure::unreachable)?,
    };
    let token = Token::load_or_create(folder).map_err(Failure::unreachable)?;
    let url = format!("http://{}", listener.local_addr().map_err(Failure::unreachable)?);
    HostFile::write(folder, &url)?;
    let sample = Sample::settle(folder)?;
    let sign_in = Arc::new(SignIn::of(folder, &token));
    let router = huiyin_server::router_with(Arc::clone(engine), token, sign_in, stop.clone());
    let served = tokio::spawn(huiyin_server::serve(listener, router, stop.clone().cancelled_owned()));
    Ok((url, served, sample))
}

/// Shows what goes on until the host fails.
async fn show(engine: &Engine, mut told: mpsc::UnboundedReceiver<Told>) -> Result<(), ()> {
    use tokio::sync::broadcast::error::RecvError;
    let mut activity = engine.activity();
    let mut screen = Screen::on_stdout();
    let mut beat = tokio::time::interval(BEAT);
    loop {
        tokio::select! {
            biased;
            Some(told) = told.recv() => screen.told(&told),
            happened = activity.recv() => match happened {
                Ok(activity) => screen.happened(&activity),
                Err(RecvError::Lagged(missed)) => screen.missed(missed),
                Err(RecvError::Closed) => return Err(()),
            },
            _ = beat.tick() => {
                let seen = engine.look_all(|state, now| {
                    let items: u64 = state.sources.values().map(|source| source.items).sum();
                    let failing: Vec<String> = state.sources.iter().filter(|(_, s)| s.error.is_some()).map(|(id, _)| id.clone()).collect();
                    (huiyin_desk::case_list(&state.desk, now), items, failing)
                }).await.map_err(drop)?;
                let mut cases = Vec::new();
                let (mut items, mut failing) = (0, Vec::new());
                for (some, taken, bad) in seen {
                    cases.extend(some);
                    items += taken;
                    failing.extend(bad);
                }
                huiyin_desk::by_due(&mut cases);
                screen.beat(&cases, items, &failing);
            }
        }
    }
}
