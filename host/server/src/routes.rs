//! The table of routes: each with who may ask for it, in words what it does, and what it takes and gives. From it
//! the service is made, and its description ([`crate::openapi`]).

use crate::account::routes as account;
use crate::openapi::Right::{Act, Admin, Public, Read};
use crate::openapi::{self, Answer, Body, Route, get, post, shapes};
use crate::state::App;
use crate::{
    activity, bindings, calls, catalog, clocks, desk, events, intake, log, logs, messages, plugins, policy, publishers,
    records, responses, runs, schedules, search, sources, watch, workflows,
};

/// Every route.
pub(crate) fn all() -> Vec<Route<App>> {
    let parts: [(&str, Vec<Route<App>>); 9] = [
        ("host", host()),
        ("session", account::all()),
        ("desk", desk()),
        ("watch", watch()),
        ("runs", runs()),
        ("workflows", workflows()),
        ("plugins", plugins()),
        ("events", events()),
        ("log", log()),
    ];
    parts.into_iter().flat_map(|(tag, routes)| routes.into_iter().map(move |route| Route { tag, ..route })).collect()
}

fn host() -> Vec<Route<App>> {
    vec![
        get("/healthz", Public, catalog::health)
            .said("主机是否正常", "Whether the host can do its work.")
            .gives(200, shapes::health),
        get("/openapi.json", Public, openapi::serve)
            .said("本文档", "This document.")
            .gives(200, shapes::openapi)
            .done(304),
        get("/docs", Public, openapi::page)
            .said("供阅读的本文档", "This document as a page to read.")
            .answers(200, Answer::Text("text/html")),
        get("/docs/page.css", Public, openapi::style)
            .said("该页的样式", "The style sheet of that page.")
            .answers(200, Answer::Text("text/css")),
        get("/v1/host", Read, catalog::host)
            .said("主机概况", "What the host is and has, in numbers.")
            .gives(200, shapes::host),
        get("/v1/policy", Read, desk::policy)
            .said("现行制度包", "The policy pack in force.")
            .gives(200, shapes::policy),
        post("/v1/policy", Admin, policy::deploy)
            .said("启用制度包", "Brings a policy pack into force, or tries it.")
            .json::<policy::Deploying>()
            .gives(200, shapes::policy_deployed),
        get("/v1/policy/versions", Read, policy::versions)
            .said("历次制度包", "The packs that were in force.")
            .gives(200, shapes::policy_versions)
            .paged("versions", &["-since"]),
        get("/v1/schemas/policy.json", Read, policy::schema)
            .said("制度包的格式", "The JSON Schema of policy packs.")
            .gives(200, shapes::schema),
    ]
}

fn desk() -> Vec<Route<App>> {
    vec![
        get("/v1/cases", Read, desk::cases)
            .said("办件列表，先到期的在前", "Cases, what is due first before the others.")
            .query::<desk::WhichCases>()
            .gives(200, shapes::cases)
            .paged_by_due("cases"),
        get("/v1/cases/{number}", Read, desk::case)
            .said("一个办件的全部", "Everything about a case, or as much of it as is shared.")
            .gives(200, shapes::case)
            .versioned(),
        get("/v1/search", Read, search::search)
            .said("全文检索办件和舆情信息", "Looks for words in cases and items, the latest first.")
            .query::<search::Asked>()
            .gives(200, shapes::hits),
        get("/v1/units/{unit}/clocks.ics", Read, clocks::calendar)
            .said("本单位时限日历", "The running clocks of a unit as a calendar of to-dos (RFC 5545).")
            .answers(200, Answer::Text("text/calendar")),
        get("/v1/commands", Read, desk::commands)
            .said("各项办理命令及其格式", "Every command that a person may give, with its schema.")
            .gives(200, shapes::commands),
        post("/v1/units/{unit}/commands", Act, desk::command)
            .said("办理：执行一条命令", "A person's act on the desk.")
            .body(Body::Command)
            .keyed()
            .matched()
            .gives(200, shapes::done),
        get("/v1/tasks", Read, desk::tasks)
            .said("转办单，先到期的在前", "Work handed from unit to unit, the first due first.")
            .query::<desk::WhichTasks>()
            .gives(200, shapes::tasks)
            .paged("tasks", &["due_at", "case", "task"]),
        get("/v1/approvals", Read, desk::approvals)
            .said("待审批事项与委托", "What waits for approvals, and delegations.")
            .query::<desk::WhichApprovals>()
            .gives(200, shapes::approvals)
            .paged("approvals", &["expires_at", "at", "case", "hash"]),
        get("/v1/reports", Read, desk::reports)
            .said("报送，最新的在前", "Reports of cases, the newest first.")
            .query::<desk::WhichReports>()
            .gives(200, shapes::reports)
            .paged("reports", &["-at", "case", "stage"]),
        get("/v1/responses", Read, responses::responses)
            .said("回应，先到期的在前", "Responses under way, the first due first.")
            .query::<responses::Which>()
            .gives(200, shapes::responses)
            .paged("responses", &["due_at", "case", "hash"]),
        get("/v1/disclosures", Read, responses::disclosures)
            .said("主动公开事项", "What units owe the public.")
            .query::<responses::Which>()
            .gives(200, shapes::disclosures)
            .paged("disclosures", &["due_at", "case", "disclosure"]),
        get("/v1/logs", Read, logs::list)
            .said("舆情日志、专报与摘报", "Daily logs, special reports and digests.")
            .query::<logs::Which>()
            .gives(200, shapes::logs)
            .paged("logs", &["-to", "unit", "kind"]),
        get("/v1/hotline", Read, calls::rate)
            .said("热线接听率", "How many calls on the hotline were taken.")
            .query::<calls::Period>()
            .gives(200, shapes::hotline),
        post("/v1/units/{unit}/messages", Act, messages::receive)
            .said("接收网民留言", "Takes messages of citizens in; each has a case at once.")
            .json::<messages::Messages>()
            .keyed()
            .gives(200, shapes::taken),
        post("/v1/units/{unit}/calls", Act, calls::import)
            .said("接收热线通话记录", "Takes call records of the hotline in.")
            .json::<calls::Calls>()
            .gives(200, shapes::calls),
    ]
}

fn watch() -> Vec<Route<App>> {
    vec![
        get("/v1/items", Read, desk::items)
            .said("待研判的舆情信息", "Items that wait for a person.")
            .query::<desk::WhichItems>()
            .gives(200, shapes::items)
            .paged("items", &["item"]),
        get("/v1/items/{item}", Read, watch::item)
            .said("一条舆情信息", "An item that the desk holds.")
            .gives(200, shapes::item)
            .tagged(),
        post("/v1/units/{unit}/items", Act, intake::items)
            .said("接收舆情信息", "Takes items in, as if they had been collected.")
            .json::<intake::Push>()
            .gives(200, shapes::taken),
        get("/v1/sources", Read, sources::list)
            .said("信源及其状态", "Sources, and how they do.")
            .gives(200, shapes::sources)
            .paged("sources", &["source", "unit"]),
        post("/v1/sources/rewind", Act, sources::rewind)
            .said("信源回退重读", "A source is read again from a place.")
            .json::<sources::Rewind>()
            .done(204),
        get("/v1/coverage", Read, watch::coverage)
            .said("监测覆盖", "Which channels are watched, by the hour of a day.")
            .query::<watch::WhichDay>()
            .gives(200, shapes::coverage),
        get("/v1/roster", Read, watch::roster)
            .said("值班表", "Who is on duty, and who was and will be.")
            .query::<watch::WhichRoster>()
            .gives(200, shapes::roster),
        get("/v1/patrols", Read, watch::patrols)
            .said("巡查", "Patrols of today, and those that were missed.")
            .query::<watch::Which>()
            .gives(200, shapes::patrols)
            .paged("patrols", &["at", "patrol", "unit"]),
        get("/v1/warnings", Read, watch::warnings)
            .said("预警", "Warnings that are open or owe something.")
            .query::<watch::Which>()
            .gives(200, shapes::warnings)
            .paged("warnings", &["-at", "warning"]),
        get("/v1/shared", Read, watch::shared)
            .said("共享事项", "What is shared by or with a unit.")
            .query::<watch::Which>()
            .gives(200, shapes::shared)
            .paged("shared", &["-at", "share"]),
    ]
}

fn runs() -> Vec<Route<App>> {
    vec![
        get("/v1/runs", Read, runs::list)
            .said("运行列表，最新的在前", "Runs under way and the last that ended, the latest first.")
            .query::<runs::Which>()
            .gives(200, shapes::runs)
            .paged_beyond("runs", &["-started", "run"]),
        post("/v1/runs", Act, runs::start)
            .said("启动一次运行", "Starts a run; with `wait` it answers with its end.")
            .json::<runs::Start>()
            .keyed()
            .gives(200, shapes::run)
            .gives(202, shapes::started),
        get("/v1/runs/{id}", Read, runs::show).said("一次运行", "One run.").gives(200, shapes::run),
        get("/v1/runs/{id}/records", Read, runs::records)
            .said("一次运行的全部记录", "Every record of a run, with its document.")
            .gives(200, shapes::run_records),
        post("/v1/runs/{id}/cancel", Act, runs::cancel)
            .said("取消运行", "A run ends, and what it has in hand is stopped.")
            .json::<runs::Why>()
            .done(202),
        post("/v1/runs/{id}/suspend", Act, runs::suspend)
            .said("暂停运行", "Holds a run.")
            .json::<runs::Why>()
            .done(202),
        post("/v1/runs/{id}/resume", Act, runs::resume)
            .said("继续运行", "Lets a run go on.")
            .json::<runs::Why>()
            .done(202),
        post("/v1/runs/{id}/retry", Act, runs::retry)
            .said("重试运行", "A run goes on from where it failed.")
            .json::<runs::Why>()
            .done(202),
        post("/v1/runs/{id}/restart", Act, runs::restart)
            .said("从某一步重新开始", "A run that has ended goes on from a task.")
            .json::<runs::Restart>()
            .done(202),
        post("/v1/runs/{id}/resolve", Act, runs::resolve)
            .said("说明结果不明的调用", "A person says what became of a call of which nobody knows.")
            .json::<runs::Resolve>()
            .done(202),
    ]
}

fn workflows() -> Vec<Route<App>> {
    vec![
        get("/v1/workflows", Read, workflows::list)
            .said("现行流程", "Workflows that take new runs, or that runs still need.")
            .gives(200, shapes::workflows)
            .paged("workflows", &["name", "unit", "-active", "-since", "deployment"]),
        post("/v1/workflows", Act, workflows::deploy)
            .said("部署流程", "Brings workflows into force, all or none.")
            .json::<workflows::Deploy>()
            .gives(200, shapes::deployed),
        get("/v1/workflows/{namespace}/{name}", Read, workflows::show)
            .said("一个流程的文本", "The document of a workflow as it is in force.")
            .query::<workflows::Which>()
            .gives(200, shapes::workflow)
            .tagged(),
        post("/v1/workflows/{namespace}/{name}/withdraw", Act, workflows::withdraw)
            .said("撤下流程", "A workflow takes no new runs.")
            .json::<workflows::Withdraw>()
            .done(204),
        get("/v1/schemas/workflow.json", Read, workflows::schema)
            .said("流程文本的格式", "The JSON Schema of workflows, with the functions of this host.")
            .answers(200, Answer::Text("application/schema+json")),
        get("/v1/bindings", Read, bindings::list)
            .said("步骤槽与绑定", "Slots, and what they stand for.")
            .query::<bindings::Which>()
            .gives(200, shapes::bindings)
            .paged("bindings", &["workflow", "unit", "slot"]),
        post("/v1/bindings", Act, bindings::bind)
            .said("绑定步骤槽", "Binds a slot, for new runs.")
            .json::<bindings::Bind>()
            .gives(200, shapes::rebound),
        post("/v1/bindings/lift", Act, bindings::lift)
            .said("恢复被搁置的插件", "What was set aside has its slot again.")
            .json::<bindings::Word>()
            .gives(200, shapes::rebound),
        post("/v1/canaries", Act, bindings::start_canary)
            .said("设试用插件", "A plugin is called beside the slot's own, and only watched.")
            .json::<bindings::Bind>()
            .gives(200, shapes::rebound),
        post("/v1/canaries/promote", Act, bindings::promote_canary)
            .said("试用转正", "A canary takes the slot.")
            .json::<bindings::Word>()
            .gives(200, shapes::rebound),
        post("/v1/canaries/drop", Act, bindings::drop_canary)
            .said("撤去试用", "A canary is called no more.")
            .json::<bindings::Word>()
            .gives(200, shapes::rebound),
        get("/v1/canaries/differences", Read, bindings::differences)
            .said("试用与现用的差异", "Where a canary says something else.")
            .query::<bindings::Of>()
            .gives(200, shapes::differences),
        get("/v1/schedules", Read, schedules::list)
            .said("定时计划", "Schedules, and their next times.")
            .query::<schedules::Which>()
            .gives(200, shapes::schedules)
            .paged("schedules", &["workflow", "unit", "version", "times"]),
        post("/v1/schedules/pause", Act, schedules::pause)
            .said("暂停计划", "Pauses a schedule.")
            .json::<schedules::Word>()
            .done(204),
        post("/v1/schedules/resume", Act, schedules::resume)
            .said("恢复计划", "Lets a schedule go on.")
            .json::<schedules::Word>()
            .done(204),
    ]
}

fn plugins() -> Vec<Route<App>> {
    vec![
        get("/v1/plugins", Read, plugins::list)
            .said("插件列表", "Plugins, their grants, and who uses them.")
            .gives(200, shapes::plugins)
            .paged("plugins", &["plugin"]),
        post("/v1/plugins", Admin, plugins::install)
            .said("安装插件", "Installs a package.")
            .query::<plugins::Why>()
            .body(Body::Package)
            .gives(201, shapes::installed)
            .gives(200, shapes::installed),
        post("/v1/plugins/{plugin}/remove", Admin, plugins::remove)
            .said("移除插件", "Removes a plugin that nobody needs.")
            .json::<plugins::Removal>()
            .done(204),
        post("/v1/plugins/{plugin}/grant", Admin, plugins::grant)
            .said("授权插件", "Says what a plugin may reach.")
            .json::<plugins::Granting>()
            .done(204),
        post("/v1/plugins/{plugin}/revoke", Admin, plugins::revoke)
            .said("收回授权", "Takes a grant back.")
            .json::<plugins::Revoking>()
            .done(204),
        get("/v1/publishers", Read, publishers::list)
            .said("受信发布者", "Publishers, and which units trust them.")
            .gives(200, shapes::publishers)
            .paged("publishers", &["name", "key"]),
        post("/v1/publishers/trust", Admin, publishers::trust)
            .said("信任发布者", "Units trust a publisher's key.")
            .json::<publishers::Trusting>()
            .gives(200, shapes::trust),
        post("/v1/publishers/distrust", Admin, publishers::distrust)
            .said("不再信任发布者", "A publisher's key is trusted no more.")
            .json::<publishers::Distrusting>()
            .gives(200, shapes::trust),
    ]
}

fn events() -> Vec<Route<App>> {
    vec![
        post("/v1/events", Act, events::any)
            .said("接收事件", "Takes CloudEvents in.")
            .body(Body::Events)
            .gives(200, shapes::delivered),
        post("/v1/units/{unit}/events", Act, events::of_unit)
            .said("接收某单位的事件", "Takes CloudEvents in that concern a unit.")
            .body(Body::Events)
            .gives(200, shapes::delivered),
        get("/v1/lifecycle", Read, catalog::lifecycle)
            .said("事件接收方的状态", "The receivers of lifecycle events.")
            .gives(200, shapes::lifecycle),
        get("/v1/activity", Read, activity::stream)
            .said("实时动态", "What goes on, as server-sent events.")
            .answers(200, Answer::Text("text/event-stream")),
    ]
}

fn log() -> Vec<Route<App>> {
    vec![
        get("/v1/records", Read, records::list)
            .said("流水记录，最新的在前", "Records of the log, the latest first.")
            .query::<records::Which>()
            .gives(200, shapes::records),
        get("/v1/records/{index}", Read, records::show)
            .said("一条记录", "One record with its content.")
            .gives(200, shapes::record)
            .tagged(),
        get("/v1/checkpoint", Read, log::checkpoint)
            .said("最新签名检查点", "The latest signed checkpoint, a C2SP signed note.")
            .answers(200, Answer::Text("text/plain")),
        get("/v1/log/key", Read, log::key)
            .said("验证检查点的公钥", "The key that verifies checkpoints, a C2SP vkey.")
            .answers(200, Answer::Text("text/plain")),
        get("/v1/proofs", Read, log::proof_of)
            .said("按编号取证明", "A proof that a record is in the log, by its id.")
            .query::<log::Which>()
            .gives(200, shapes::proof),
        get("/v1/proofs/{index}", Read, log::proof)
            .said("按序号取证明", "The same, by its index.")
            .gives(200, shapes::proof),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use serde_json::Value;

    use super::*;
    use crate::openapi::{Right, TAGS, moved};

    #[test]
    fn each_definition_of_commands_has_one_meaning() {
        let mut seen: BTreeMap<String, Value> = shapes::named();
        let forms = huiyin_desk::command_forms();
        let commands: BTreeSet<&str> = forms.iter().map(|form| form.command).collect();
        for form in &forms {
            for (name, defined) in form.schema["$defs"].as_object().into_iter().flatten() {
                let mut defined = defined.clone();
                moved(&mut defined);
                assert!(!commands.contains(name.as_str()), "{name} is a command, too");
                assert_eq!(*seen.entry(name.clone()).or_insert_with(|| defined.clone()), defined, "{name}");
            }
        }
    }

    #[test]
    fn every_route_is_named_once_and_said_in_both_languages() {
        let routes = all();
        let names: BTreeSet<String> = routes.iter().map(Route::name).collect();
        assert_eq!(names.len(), routes.len());
        let tags: BTreeSet<&str> = TAGS.iter().map(|(name, ..)| *name).collect();
        for route in &routes {
            let name = route.name();
            assert!(!route.zh.is_ascii() && !route.en.is_empty(), "{name}");
            assert!(tags.contains(route.tag), "{name}: {}", route.tag);
            assert!(!route.answers.is_empty(), "{name} answers nothing");
            let reads = route.method == axum::http::Method::GET;
            assert!(!reads || route.right != Right::Act, "{name}: who reads does nothing");
            assert!(reads || route.right != Right::Read, "{name}: who changes something acts");
        }
    }

    #[test]
    fn a_route_is_added_to_the_table_and_nowhere_else() {
        fn sources(folder: &std::path::Path, into: &mut Vec<std::path::PathBuf>) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { sources(&path, into) } else { into.push(path) }
            }
        }
        let mut files = Vec::new();
        sources(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
        let calls =
            [concat!(".rou", "te("), concat!(".rou", "te_service("), concat!(".ne", "st("), concat!(".mer", "ge(")];
        let found: Vec<(String, usize)> = files
            .iter()
            .map(|file| {
                let text = std::fs::read_to_string(file).unwrap();
                let name = file.file_name().unwrap().to_string_lossy().into_owned();
                (name, calls.iter().map(|call| text.matches(call).count()).sum())
            })
            .filter(|(_, count)| *count > 0)
            .collect();
        let beside = ["body.rs"];
        let found: Vec<_> = found.into_iter().filter(|(name, _)| !beside.contains(&name.as_str())).collect();
        assert_eq!(found, [("api.rs".to_owned(), 1)], "the service is made of `routes::all()` alone");
    }
}
