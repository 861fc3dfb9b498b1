//! The paths under `/v1/session` (signing in and out) and `/v1/accounts` (an admin's).

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Extension;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use huiyin_desk::PolicyPack;
use serde::Deserialize;
use serde_json::{Value, json};

use super::guard;
use super::password::first_password;
use super::session::{IDLE, Standing};
use super::signing::{Denied, FirstError};
use super::store::{Account, AccountError};
use super::trail::Deed;
use super::{second_routes, token_routes};
use crate::body::Json;
use crate::caller::Caller;
use crate::connections::Peer;
use crate::openapi::Right::{Act as MayAct, Admin, Public};
use crate::openapi::{Route, delete, get, post, shapes};
use crate::problem::Problem;
use crate::state::App;

/// Sign-ins listed unless told otherwise, and at most.
const LISTED: usize = 100;
const MOST: usize = 1_000;

/// Its part of the table of routes.
pub(crate) fn all() -> Vec<Route<App>> {
    vec![
        get("/v1/session", Public, show).said("当前会话", "Who is signed in, for anybody.").gives(200, shapes::session),
        post("/v1/session", Public, sign_in)
            .said("登录", "Signs in.")
            .json::<Credentials>()
            .gives(200, shapes::session),
        delete("/v1/session", Public, sign_out).said("退出", "Signs out.").done(204),
        post("/v1/session/first", Public, first)
            .said("以一次性代码设立首个管理员", "Makes the first admin, by the code that the host printed.")
            .json::<First>()
            .done(201),
        post("/v1/session/password", MayAct, change_password)
            .said("修改本人密码", "Changes one's own password.")
            .json::<Change>()
            .gives(200, shapes::session),
        post("/v1/session/second", MayAct, second_routes::offer)
            .said("启用动态口令：取得密钥", "Offers a secret for a second factor, told this once.")
            .json::<second_routes::Begin>()
            .gives(200, shapes::second_offered),
        post("/v1/session/second/confirm", MayAct, second_routes::confirm)
            .said(
                "启用动态口令：确认",
                "The second factor is asked for from now on; gives the recovery codes, this once.",
            )
            .json::<second_routes::Confirm>()
            .gives(200, shapes::second_set),
        post("/v1/session/second/remove", MayAct, second_routes::remove)
            .said("停用本人的动态口令", "One's own second factor is asked for no longer.")
            .json::<second_routes::Remove>()
            .gives(200, shapes::session),
        delete("/v1/sessions", MayAct, sign_out_everywhere).said("在所有设备上退出", "Signs out everywhere.").done(204),
        get("/v1/accounts", Admin, list)
            .said("账户列表", "Accounts.")
            .gives(200, shapes::accounts)
            .paged("accounts", &["account"]),
        post("/v1/accounts", Admin, add)
            .said("新建账户", "Makes an account, with a first password.")
            .json::<NewAccount>()
            .gives(201, shapes::password),
        post("/v1/accounts/{account}/reset", Admin, reset)
            .said("重置密码", "An account has a first password again.")
            .gives(200, shapes::password),
        post("/v1/accounts/{account}/reset-second", Admin, reset_second)
            .said("停用账户的动态口令", "An account has no second factor any more.")
            .done(204),
        post("/v1/accounts/{account}/lock", Admin, lock).said("锁定账户", "Locks an account.").done(204),
        post("/v1/accounts/{account}/unlock", Admin, unlock).said("解锁账户", "Unlocks an account.").done(204),
        post("/v1/accounts/{account}/sign-out", Admin, sign_out_of)
            .said("使账户全部退出", "Signs an account out everywhere.")
            .done(204),
        post("/v1/accounts/{account}/remove", Admin, remove).said("删除账户", "Removes an account.").done(204),
        get("/v1/tokens", Admin, token_routes::list)
            .said("接口令牌列表", "API tokens; not the tokens themselves.")
            .gives(200, shapes::tokens)
            .paged("tokens", &["person", "added", "id"]),
        post("/v1/tokens", Admin, token_routes::create)
            .said("新建接口令牌", "Makes an API token of a person, and tells it this once.")
            .json::<token_routes::Wanted>()
            .gives(201, shapes::token),
        post("/v1/tokens/{token}/revoke", Admin, token_routes::revoke)
            .said("撤销接口令牌", "Ends an API token at once.")
            .done(204),
        get("/v1/sign-ins", Admin, sign_ins)
            .said("登录记录，最新的在前", "The record of sign-ins, the latest first.")
            .query::<HowMany>()
            .gives(200, shapes::sign_ins)
            .paged_beyond("sign_ins", &["-time", "account", "deed"]),
    ]
}

#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Credentials {
    account: String,
    password: String,
    /// Of the second factor, where the account has one: six digits, or a recovery code.
    code: Option<String>,
}

async fn show(State(app): State<App>, headers: HeaderMap) -> Result<Response, Problem> {
    let standing = guard::standing(&app.sign_in, &headers);
    let session = match standing {
        Some(standing) => described(&app, &standing).await?,
        None => Value::Null,
    };
    let answer = json!({ "session": session, "awaits_first": app.sign_in.awaits_first(), "now": app.engine.now() });
    Ok(([(header::CACHE_CONTROL, "no-store")], axum::Json(answer)).into_response())
}

/// Who somebody is: as the policy pack in force has it.
pub(super) async fn described(app: &App, standing: &Standing) -> Result<Value, Problem> {
    let pack = app.engine.look(0, |state, _| state.desk.policy().cloned()).await?;
    let mut session = json!({
        "account": standing.account,
        "actor": standing.actor,
        "admin": standing.actor.starts_with("admin:"),
        "must_change": standing.must_change,
        "second": app.sign_in.has_second(&standing.account),
        "ends": standing.ends,
        "idle_seconds": IDLE.as_secs(),
    });
    if let (Some(pack), Some(id)) = (pack, standing.actor.strip_prefix("person:")) {
        let Some(unit) = pack.unit_of(id) else { return Ok(session) };
        let may: Vec<&str> = pack
            .units
            .iter()
            .filter(|below| pack.line(&below.code).any(|above| above.code == unit.code))
            .map(|below| below.code.as_str())
            .collect();
        let mut roles: Vec<&str> =
            unit.person(id).map(|person| person.roles.iter().map(String::as_str).collect()).unwrap_or_default();
        roles.extend(
            [("spokesperson", &unit.spokesperson), ("principal", &unit.principal)]
                .iter()
                .filter(|(_, who)| *who == id)
                .map(|(role, _)| role),
        );
        session["name"] = json!(unit.person(id).map(|person| &person.name));
        session["unit"] = json!(unit.code);
        session["unit_name"] = json!(unit.name);
        session["roles"] = json!(roles);
        session["units"] = json!(may);
    }
    Ok(session)
}

async fn sign_in(
    State(app): State<App>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    Json(given): Json<Credentials>,
) -> Result<Response, Problem> {
    guard::check_site(&axum::http::Method::POST, &headers)?;
    let whence = guard::whence_of(peer.as_deref(), &headers);
    let old = guard::token(&app.sign_in, &headers);
    let code = given.code.as_deref();
    let begun_session = app.sign_in.sign_in(&given.account, &given.password, code, old.as_deref(), &whence);
    let token = begun_session.await.map_err(denied)?;
    begun(&app, &headers, &token).await
}

/// The answer to whoever has a new session.
pub(super) async fn begun(app: &App, headers: &HeaderMap, token: &str) -> Result<Response, Problem> {
    let standing = app.sign_in.find(token, true).ok_or_else(|| Problem::unauthorized("the session is over already"))?;
    Ok(begun_with(app, headers, token, json!({ "session": described(app, &standing).await? })))
}

/// The same with an answer of its own.
pub(super) fn begun_with(app: &App, headers: &HeaderMap, token: &str, answer: Value) -> Response {
    let answer = axum::Json(answer);
    let cookie = guard::cookie(&app.sign_in, headers, token);
    ([(header::SET_COOKIE, cookie), (header::CACHE_CONTROL, "no-store".to_owned())], answer).into_response()
}

pub(super) fn denied(denied: Denied) -> Problem {
    match denied {
        Denied::CodeNeeded => Problem::code_needed(),
        Denied::WrongCode => Problem::wrong_code(),
        Denied::Wrong => Problem::unauthorized("there is no such account, or the password is another"),
        Denied::Locked => Problem::forbidden("this account is locked; ask an admin of the host"),
        Denied::Delayed(left) => Problem::delayed(left.as_secs().max(1)),
        Denied::Busy => huiyin_engine::Refusal::Busy.into(),
        Denied::Store(why) => Problem::unavailable(why),
    }
}

async fn sign_out(
    State(app): State<App>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    guard::check_site(&axum::http::Method::DELETE, &headers)?;
    if let Some(standing) = guard::standing(&app.sign_in, &headers) {
        app.sign_in.end(&standing, &guard::whence_of(peer.as_deref(), &headers));
    }
    Ok((StatusCode::NO_CONTENT, gone(&app, &headers)).into_response())
}

async fn sign_out_everywhere(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let session = own(&caller)?;
    app.sign_in.end_all(&session.account, None, &guard::whence_of(peer.as_deref(), &headers));
    Ok((StatusCode::NO_CONTENT, gone(&app, &headers)).into_response())
}

/// The cookie is taken away, and what pages of the session the browser keeps.
fn gone(app: &App, headers: &HeaderMap) -> [(header::HeaderName, String); 2] {
    let clear = header::HeaderName::from_static("clear-site-data");
    [(header::SET_COOKIE, guard::no_cookie(&app.sign_in, headers)), (clear, "\"cache\"".to_owned())]
}

pub(super) fn own(caller: &Caller) -> Result<&Standing, Problem> {
    caller.session.as_ref().ok_or_else(|| Problem::invalid("this is of a session; the bearer of the token has none"))
}

#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Change {
    old: String,
    new: String,
}

async fn change_password(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    Json(change): Json<Change>,
) -> Result<Response, Problem> {
    let name = own(&caller)?.account.clone();
    let whence = guard::whence_of(peer.as_deref(), &headers);
    if change.old == change.new {
        return Err(Problem::invalid_at("/new", super::PasswordError::Same));
    }
    app.sign_in.prove(&name, &change.old, &whence).await.map_err(|why| match why {
        Denied::Wrong => Problem::invalid_at("/old", "this is not your password"),
        other => denied(other),
    })?;
    let new = change.new.clone();
    let changed = {
        let name = name.clone();
        app.sign_in.store(move |accounts| accounts.set_password(&name, &new, false)).await
    };
    let changed = changed.map_err(|error| refused(error, "/new"))?;
    app.sign_in.note(Deed::PasswordChanged, &name, None, &whence, None);
    // All sessions are over with the old password; this browser gets a new one.
    let old = guard::token(&app.sign_in, &headers);
    let again = app.sign_in.begin(&name, &changed, old.as_deref(), &whence).map_err(denied)?;
    begun(&app, &headers, &again).await
}

#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct First {
    code: String,
    account: String,
    password: String,
}

async fn first(
    State(app): State<App>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    Json(first): Json<First>,
) -> Result<StatusCode, Problem> {
    guard::check_site(&axum::http::Method::POST, &headers)?;
    let whence = guard::whence_of(peer.as_deref(), &headers);
    match app.sign_in.make_first(&first.code, &first.account, &first.password, &whence).await {
        Ok(()) => Ok(StatusCode::CREATED),
        Err(FirstError::Code) => Err(Problem::invalid_at(
            "/code",
            "this is not the code, or it holds no longer; restart the host for a new one, or run `huiyin account add NAME --admin` on its machine",
        )),
        Err(FirstError::Account(error)) => Err(refused(error, "/password")),
    }
}

/// Why an account is not what was asked; the password stands at `pointer`.
pub(super) fn refused(error: AccountError, pointer: &str) -> Problem {
    match error {
        AccountError::Name(_) => Problem::invalid_at("/account", error),
        AccountError::Known(_) | AccountError::Many | AccountError::NoSecond(_) => Problem::refused(error),
        AccountError::Missing(_) => Problem::not_found(error),
        AccountError::Password(super::PasswordError::Hash(_)) | AccountError::File { .. } => {
            Problem::unavailable(error)
        }
        AccountError::Password(_) => Problem::invalid_at(pointer, error),
    }
}

fn admin(caller: &Caller) -> Result<(), Problem> {
    if caller.actor.starts_with("admin:") {
        return Ok(());
    }
    Err(Problem::forbidden("accounts are the host admin's"))
}

async fn pack(app: &App) -> Result<Option<Arc<PolicyPack>>, Problem> {
    Ok(app.engine.look(0, |state, _| state.desk.policy().cloned()).await?)
}

async fn list(State(app): State<App>, Extension(caller): Extension<Caller>) -> Result<axum::Json<Value>, Problem> {
    admin(&caller)?;
    let all: BTreeMap<String, Account> =
        app.sign_in.store(|accounts| Ok((*accounts.all()?).clone())).await.map_err(|e| refused(e, ""))?;
    let pack = pack(&app).await?;
    let rows: Vec<Value> = all
        .iter()
        .map(|(name, account)| {
            let id = account.actor.strip_prefix("person:");
            let unit = id.zip(pack.as_ref()).and_then(|(id, pack)| pack.unit_of(id));
            json!({
                "account": name,
                "actor": account.actor,
                "name": id.zip(unit).and_then(|(id, unit)| unit.person(id)).map(|person| &person.name),
                "unit": unit.map(|unit| &unit.code),
                "unit_name": unit.map(|unit| &unit.name),
                "must_change": account.must_change,
                "second": account.second.is_some(),
                "locked": account.locked,
                "added": account.added,
                "changed": account.changed,
                "sessions": app.sign_in.signed_in(name),
            })
        })
        .collect();
    Ok(axum::Json(json!({ "now": app.engine.now(), "accounts": rows })))
}

#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewAccount {
    account: String,
    /// An admin of the host, and no person of the pack.
    #[serde(default)]
    admin: bool,
}

async fn add(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    Json(wanted): Json<NewAccount>,
) -> Result<Response, Problem> {
    admin(&caller)?;
    if let Some(pack) = pack(&app).await?
        && !wanted.admin
        && pack.unit_of(&wanted.account).is_none()
    {
        return Err(Problem::invalid_at(
            "/account",
            format_args!("no unit of the policy pack names a person `{}`", wanted.account.escape_debug()),
        ));
    }
    let password = first_password().map_err(Problem::unavailable)?;
    let made = {
        let (name, password) = (wanted.account.clone(), password.clone());
        app.sign_in.store(move |accounts| accounts.add(&name, wanted.admin, &password, true)).await
    };
    let made = made.map_err(|error| refused(error, "/account"))?;
    let whence = guard::whence_of(peer.as_deref(), &headers);
    app.sign_in.note(Deed::Added, &wanted.account, Some(&caller.actor), &whence, Some(&made.actor));
    Ok(told(StatusCode::CREATED, &wanted.account, &password))
}

/// A first password, told once.
fn told(status: StatusCode, account: &str, password: &str) -> Response {
    let answer = axum::Json(json!({ "account": account, "password": password }));
    (status, [(header::CACHE_CONTROL, "no-store")], answer).into_response()
}

/// What an admin does with an account.
struct Act {
    app: App,
    caller: Caller,
    name: String,
    whence: super::signing::Whence,
}

impl Act {
    fn new(
        app: App,
        caller: Caller,
        name: Result<Path<String>, PathRejection>,
        peer: Option<Extension<Peer>>,
        headers: &HeaderMap,
    ) -> Result<Act, Problem> {
        admin(&caller)?;
        let Path(name) = name?;
        Ok(Act { app, caller, name, whence: guard::whence_of(peer.as_deref(), headers) })
    }

    /// Refuses what would shut out who does it.
    fn not_own(&self) -> Result<(), Problem> {
        if self.caller.session.as_ref().is_some_and(|session| session.account == self.name) {
            return Err(Problem::refused(
                "this is your own account; another admin, or `huiyin account` on the machine, can do it",
            ));
        }
        Ok(())
    }

    fn note(&self, deed: Deed) {
        self.app.sign_in.note(deed, &self.name, Some(&self.caller.actor), &self.whence, None);
    }

    async fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&super::Accounts, &str) -> Result<T, AccountError> + Send + 'static,
    ) -> Result<T, Problem> {
        let name = self.name.clone();
        self.app.sign_in.store(move |accounts| change(accounts, &name)).await.map_err(|error| refused(error, ""))
    }
}

async fn reset(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    name: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let act = Act::new(app, caller, name, peer, &headers)?;
    let password = first_password().map_err(Problem::unavailable)?;
    let new = password.clone();
    act.change(move |accounts, name| accounts.set_password(name, &new, true)).await?;
    act.note(Deed::Reset);
    Ok(told(StatusCode::OK, &act.name, &password))
}

async fn reset_second(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    name: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let act = Act::new(app, caller, name, peer, &headers)?;
    // One's own goes with a code alone: a session that was left open is not enough.
    act.not_own()?;
    act.change(super::Accounts::remove_second).await?;
    act.note(Deed::SecondRemoved);
    Ok(StatusCode::NO_CONTENT)
}

async fn lock(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    name: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let act = Act::new(app, caller, name, peer, &headers)?;
    act.not_own()?;
    act.change(|accounts, name| accounts.set_locked(name, true)).await?;
    act.note(Deed::Locked);
    Ok(StatusCode::NO_CONTENT)
}

async fn unlock(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    name: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let act = Act::new(app, caller, name, peer, &headers)?;
    act.change(|accounts, name| accounts.set_locked(name, false)).await?;
    act.note(Deed::Unlocked);
    Ok(StatusCode::NO_CONTENT)
}

async fn sign_out_of(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    name: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let act = Act::new(app, caller, name, peer, &headers)?;
    act.change(|accounts, name| accounts.get(name)?.map(drop).ok_or_else(|| AccountError::Missing(name.to_owned())))
        .await?;
    act.app.sign_in.end_all(&act.name, Some(&act.caller.actor), &act.whence);
    Ok(StatusCode::NO_CONTENT)
}

async fn remove(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    name: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let act = Act::new(app, caller, name, peer, &headers)?;
    act.not_own()?;
    act.change(super::Accounts::remove).await?;
    act.note(Deed::Removed);
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct HowMany {
    limit: Option<usize>,
}

async fn sign_ins(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    how_many: Result<Query<HowMany>, QueryRejection>,
) -> Result<axum::Json<Value>, Problem> {
    admin(&caller)?;
    let Query(HowMany { limit }) = how_many?;
    let limit = limit.unwrap_or(LISTED).min(MOST);
    let sign_in = Arc::clone(&app.sign_in);
    let records = tokio::task::spawn_blocking(move || sign_in.trail.last(limit)).await.map_err(Problem::internal)?;
    Ok(axum::Json(json!({ "sign_ins": records.map_err(Problem::unavailable)? })))
}
