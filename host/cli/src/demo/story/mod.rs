//! Stories: a duty that is played from beginning to end on a host of its own, through the API that people use, under a
//! clock that goes faster than the machine's.

mod asleep;
mod clock;
mod days;
mod major;
mod stage;
mod telling;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use huiyin_engine::shell::Clock;
use huiyin_engine::{Engine, Options};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub(crate) use self::clock::Speed;
use self::clock::StoryClock;
use self::stage::{Halt, Stage};
use self::telling::{Telling, put};
use super::bureau::{Bureau, Kit, LADDERS, POLICY};
use super::local;
use super::world::World;
use crate::Setup;
use crate::client::Client;
use crate::folders::HostFile;
use crate::host::{Asked, options, read_config, refused, runtime};
use crate::output::{Failure, note};
use crate::people::{self, word};
use crate::rows::rows;
use crate::text::plain;

/// When the stories begin: a Tuesday, 14:00 in Shanghai.
const BEGAN: &str = "2026-03-10T06:00:00Z";

/// Where a response has to stand, by the sample pack.
const CHANNELS: [&str; 3] = ["website", "weibo", "wechat"];

/// Which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Story {
    /// 重大舆情: a rumour is answered as the regulation wants it
    Major,
    /// 无人值守: the same rumour, and nobody does anything
    Asleep,
    /// 三十天: thirty days of real titles, judged, with a log of each day
    Weibo,
}

/// How a story is played.
pub(crate) struct Plan {
    pub(crate) story: Story,
    /// Where its host keeps everything: a folder that is not there yet, or is empty.
    pub(crate) folder: PathBuf,
    pub(crate) speed: Speed,
    /// The days of titles.
    pub(crate) feed: Option<PathBuf>,
    /// So many of the days.
    pub(crate) days: usize,
}

/// Plays a story.
pub(crate) fn run(plan: &Plan, setup: &Setup) -> Result<(), Failure> {
    if crate::bundle::bundle().is_empty() {
        return Err(Failure::invalid(crate::bundle::EMPTY));
    }
    // Code that was compiled before is no part of what happened.
    let used =
        std::fs::read_dir(&plan.folder).is_ok_and(|files| files.flatten().any(|file| file.file_name() != "cache"));
    if used {
        return Err(Failure::invalid(format_args!(
            "{} is not empty, and a story begins with an empty desk; name another folder with --data",
            plan.folder.display()
        )));
    }
    let sample = || BEGAN.parse::<Timestamp>().map_err(Failure::failed);
    let (kit, world, began) = match plan.story {
        Story::Major | Story::Asleep => (Kit::story(pack()?), World::nothing(), sample()?),
        Story::Weibo => {
            let (world, began) = days::world(plan.feed.as_deref(), plan.days)?;
            (Kit::days(), world, began)
        }
    };
    runtime()?.block_on(async {
        let asked = Asked::new()?;
        let clock = Arc::new(StoryClock::standing(began, plan.speed));
        let bureau = Bureau::open(&plan.folder, kit, began)?;
        let listener = bureau.listen().await?;
        let bureau = bureau.settle(&listener)?;
        let (tell, told) = mpsc::unbounded_channel();
        let stop = CancellationToken::new();
        let world = Arc::new(world);
        let outside = local::router(Arc::clone(&world), Arc::clone(&clock) as Arc<dyn Clock>, tell);
        let local = tokio::spawn(huiyin_server::serve(listener, outside, stop.clone().cancelled_owned()));
        let done = host(plan, setup, &bureau, &world, clock, told, asked).await;
        stop.cancel();
        let _ = local.await;
        done
    })
}

/// The sample pack with ladders, so that a clock that nobody heeds is heard further and further up.
fn pack() -> Result<String, Failure> {
    let read = |text: &str| serde_json::from_str::<Value>(text).map_err(Failure::failed);
    let (mut pack, ladders) = (read(POLICY)?, read(LADDERS)?);
    pack["version"] = ladders.get("version").cloned().unwrap_or_default();
    for clock in pack.get_mut("clocks").and_then(Value::as_array_mut).into_iter().flatten() {
        let ladder = ladders.get("escalation").zip(clock.get("id").and_then(Value::as_str));
        if let Some(ladder) = ladder.and_then(|(all, id)| all.get(id)).cloned() {
            clock["escalation"] = ladder;
        }
    }
    serde_json::to_string_pretty(&pack).map_err(Failure::failed)
}

async fn host(
    plan: &Plan,
    setup: &Setup,
    bureau: &Bureau,
    world: &Arc<World>,
    clock: Arc<StoryClock>,
    told: mpsc::UnboundedReceiver<super::local::Told>,
    mut asked: Asked,
) -> Result<(), Failure> {
    let (mut config, base) = read_config(&bureau.config)?;
    let listen = config.listen.take().and_then(|address| address.parse().ok());
    note("compiling the plugins for this machine where that was not done yet …");
    let options = Options {
        data: Some(plan.folder.clone()),
        clock: Some(Arc::clone(&clock) as Arc<dyn Clock>),
        ..options(setup, config, base)
    };
    let engine = Arc::new(Engine::start(options).await.map_err(|error| refused(&error))?);
    let stop = CancellationToken::new();
    let played = async {
        let (url, served, sample) = super::serve(&engine, listen, &plan.folder, &stop).await?;
        note(format_args!("ready {url} data={}", plan.folder.display()));
        sample.say(&url);
        let done = perform(plan, &engine, world, clock, told, &stop, &mut asked).await;
        HostFile::remove(&plan.folder);
        stop.cancel();
        let _ = served.await;
        done
    };
    let played = played.await;
    let stopped = engine.stop().await;
    let closing = played?;
    stopped.map_err(|why| Failure::unreachable(format_args!("the host of the story failed: {why}")))?;
    let folder = plan.folder.display();
    if closing {
        note(format_args!("the log of it, for anyone to check: huiyin audit verify --data {folder}"));
        let config = bureau.config.display();
        note(format_args!("its host again, by the clock of today: huiyin serve --data {folder} --config {config}"));
    } else {
        note(format_args!("stopped; what happened so far lies in {folder}"));
    }
    Ok(())
}

/// Whether it was played to its end.
async fn perform(
    plan: &Plan,
    engine: &Arc<Engine>,
    world: &Arc<World>,
    clock: Arc<StoryClock>,
    told: mpsc::UnboundedReceiver<super::local::Told>,
    stop: &CancellationToken,
    asked: &mut Asked,
) -> Result<bool, Failure> {
    let client = Client::in_folder(&plan.folder)?;
    let began = clock.now();
    let (story, speed, world, ask) = (plan.story, plan.speed, Arc::clone(world), stop.clone());
    let (engine_of, runtime) = (Arc::clone(engine), tokio::runtime::Handle::current());
    let activity = engine.activity();
    let mut playing = tokio::task::spawn_blocking(move || {
        let policy = client.get("/v1/policy")?;
        let telling = Telling::of(policy.get("pack").unwrap_or(&Value::Null), began);
        let mut stage =
            Stage { engine: engine_of, runtime, clock, client, activity, told, telling, began, stop: ask, only: None };
        match story {
            Story::Weibo => days::play(&mut stage, &world),
            Story::Major => {
                opening(speed, "重大舆情", "a major matter");
                let case = major::play(&mut stage)?;
                closing(&stage, &case)
            }
            Story::Asleep => {
                opening(speed, "无人值守", "everybody is asleep");
                let case = asleep::play(&mut stage)?;
                closing(&stage, &case)
            }
        }
    });
    let ended = tokio::select! {
        ended = &mut playing => ended,
        () = asked.stop_asked() => {
            stop.cancel();
            playing.await
        }
        () = engine.failed() => {
            stop.cancel();
            playing.await
        }
    };
    match ended.map_err(Failure::failed)? {
        Ok(()) => Ok(true),
        Err(Halt::Asked) => Ok(false),
        Err(Halt::Failed(failure)) => Err(failure),
    }
}

fn opening(speed: Speed, zh: &str, en: &str) {
    match speed {
        Speed::Times(_) => {
            put(&format!("故事:{zh}。时钟按 {speed} 走 (the story of {en}; its host's clock goes at {speed})"));
        }
        Speed::Max => put(&format!(
            "故事:{zh}。虚拟时钟,逐个时刻前进,不等待 (the story of {en}; its host's clock is virtual: it goes from moment to moment)"
        )),
    }
    put("单位与人员均为虚构;每一步都经主机的公开接口 (all invented; every step goes through the host's API)");
}

/// A rumour comes in, and the floor opens a case on it; its number, and the item.
fn rumour(stage: &mut Stage) -> Result<(String, String), Halt> {
    stage.until(0)?;
    stage.act("qingfeng", "xu-ming", &json!({"command": "check-in", "unit": "qingfeng"}))?;
    stage.say("3.1b", "许明签到值班", "the officer on duty checks in")?;
    let published = stage.moment(0).to_string();
    stage.until(2)?;
    let item = json!({
        "id": "rumour-1", "title": "网传青枫县老鹰岩森林火灾烧死多人,真相被隐瞒?", "published": published,
        "body": "有人说老鹰岩核心区森林火灾已经有人员死亡,官方一直不公布,求真相。听说还封锁了消息。",
        "url": "https://bbs.linhai.example/rumour-1",
        "fields": {"channel": "forum", "reads": 486_000, "comments": 7_600, "shares": 6_900, "likes": 12_000},
    });
    let taken = stage.post("/v1/units/qingfeng/items", "xu-ming", &json!({"source": "board", "items": [item]}))?;
    let text = |at: &str| taken.pointer(at).and_then(Value::as_str).map(str::to_owned);
    let (Some(case), Some(item)) = (text("/opened/0"), text("/taken/0")) else {
        return Err(Failure::failed(format_args!("the rumour opened no case: {taken}")).into());
    };
    stage.say(
        "3.1a",
        "论坛帖:网传老鹰岩森林火灾烧死多人(事发按发帖时间,第0分)",
        "a rumour on a forum; the hour counts from its post",
    )?;
    Ok((case, item))
}

/// What the record says of the case at the end.
fn closing(stage: &Stage, case: &str) -> Result<(), Halt> {
    let shown = stage.get(&format!("/v1/cases/{}", crate::client::segment(case)))?;
    put("");
    put(&format!(
        "办件 {} {} {} (state {})",
        plain(case),
        word(&shown, "level_zh"),
        word(&shown, "title"),
        word(&shown, "state")
    ));
    for clock in rows(&shown, "clocks") {
        let name = clock.pointer("/name/zh").and_then(Value::as_str).map_or_else(|| word(clock, "clock"), plain);
        put(&format!("  时限 {name}:{}  ({})", people::clock(clock), word(clock, "state")));
    }
    Ok(())
}

/// A folder for a story where none is named: the first that is free.
pub(crate) fn free_folder(story: &str) -> PathBuf {
    let name = format!("huiyin-story-{story}");
    let later = (2..).map(|n| format!("{name}-{n}"));
    let free = std::iter::once(name.clone()).chain(later).find(|name| !Path::new(name).exists());
    PathBuf::from(free.unwrap_or(name))
}
