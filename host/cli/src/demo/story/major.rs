//! The story of a major matter (重大政务舆情) as the regulation wants it: a rumour comes in, and within an hour of it the
//! flash report is out; two persons stand behind each text; the answer is the same everywhere; and the matter is closed
//! once its root cause is dealt with.

use serde_json::{Value, json};

use super::CHANNELS;
use super::stage::{Halt, Stage};
use super::telling::stage_zh;
use crate::output::Failure;
use crate::people::word;

/// The county's office, its officer on duty, spokesperson and principal.
const UNIT: &str = "qingfeng";
const OFFICER: &str = "xu-ming";
const SPOKESPERSON: &str = "tang-xue";
const PRINCIPAL: &str = "gao-yuan";
/// The unit above.
const CITY: &str = "linhai";
const CITY_OFFICER: &str = "he-ping";
const CITY_PRINCIPAL: &str = "lin-guodong";
/// The unit that fights fires, and who signs for it.
const FIRE: &str = "forest-fire";
const FIRE_PRINCIPAL: &str = "luo-jian";

/// Minutes of a day.
const DAY: i64 = 24 * 60;

/// Plays it; the number of its case.
pub(super) fn play(stage: &mut Stage) -> Result<String, Halt> {
    let (case, item) = super::rumour(stage)?;
    let mut story = Story { stage, case, item };
    story.declared()?;
    story.flash()?;
    story.line()?;
    story.reports()?;
    story.responses()?;
    story.root_cause()?;
    story.closed()?;
    Ok(story.case)
}

struct Story<'s> {
    stage: &'s mut Stage,
    case: String,
    item: String,
}

impl Story<'_> {
    /// A person does something; what the command answers.
    fn act(&mut self, unit: &str, person: &str, name: &str, more: Value) -> Result<Value, Halt> {
        let command = self.command(name, more);
        self.stage.act(unit, person, &command)
    }

    fn command(&self, name: &str, more: Value) -> Value {
        let mut command = json!({"command": name, "case": self.case});
        if let (Some(command), Value::Object(more)) = (command.as_object_mut(), more) {
            command.extend(more);
        }
        command
    }

    /// A person of a unit approves what was just asked for.
    fn approve(&mut self, unit: &str, person: &str, asked: &Value) -> Result<Value, Halt> {
        let hash = asked.pointer("/pending/hash").cloned().unwrap_or_default();
        self.act(unit, person, "approve", json!({"hash": hash}))
    }

    fn at(&mut self, minute: i64) -> Result<(), Halt> {
        self.stage.until(minute)
    }

    fn say(&mut self, clause: &str, zh: &str, en: &str) -> Result<(), Halt> {
        self.stage.say(clause, zh, en)
    }

    /// Notice, report and verification start together; one commands.
    fn declared(&mut self) -> Result<(), Halt> {
        self.at(6)?;
        self.act(UNIT, OFFICER, "declare-major", json!({"reason": "网传多人伤亡,群众恐慌,须立即核实"}))?;
        let zh = "许明宣布为重大舆情:通知、报告、核查同时启动";
        self.say("5c", zh, "declared major: notices, report and verification start together")?;
        self.at(8)?;
        self.act(UNIT, SPOKESPERSON, "acknowledge-notice", json!({}))?;
        self.at(9)?;
        self.act(UNIT, PRINCIPAL, "acknowledge-notice", json!({}))?;
        self.say("5b", "新闻发言人唐雪、主要负责人高原确认收到", "spokesperson and principal have read it")?;
        self.at(11)?;
        self.act(UNIT, PRINCIPAL, "appoint-commander", json!({"person": PRINCIPAL}))?;
        let asked = self.act(UNIT, OFFICER, "set-plan", json!({"text": "统一调度;先核实伤亡,再统一发布"}))?;
        self.approve(UNIT, PRINCIPAL, &asked)?;
        self.say("5d", "高原任指挥,批准许明拟的统一方案", "one commander, and one plan that two persons stand behind")?;
        self.at(20)?;
        let verify = self.task_of("verify")?;
        self.act(UNIT, OFFICER, "accept-task", json!({"task": verify}))?;
        let found = json!({"task": verify, "text": "现场与医院均核实:无人员伤亡,过火面积约12公顷,网传不实"});
        self.act(UNIT, OFFICER, "feed-back-task", found)?;
        self.say("3.1d", "核查反馈:无人员伤亡,网传不实", "verified: nobody is hurt, the rumour is false")
    }

    /// Within the hour of clause 5e: written by one, sent by another.
    fn flash(&mut self) -> Result<(), Halt> {
        self.at(27)?;
        let verify = self.task_of("verify")?;
        let facts = json!([
            {"text": "14时00分起网传老鹰岩森林火灾致多人死亡", "evidence": [self.item]},
            {"text": "经核实无人员伤亡,正在扑救", "evidence": [verify]},
        ]);
        let asked = self.act(UNIT, OFFICER, "submit-report", json!({"stage": "flash", "facts": facts}))?;
        self.say(
            "5a",
            "许明送审快报:只写事实,每条有依据",
            "the flash report waits: facts only, each with its evidence",
        )?;
        let own = self.command("approve", json!({"hash": asked.pointer("/pending/hash")}));
        let why = self.stage.refused(UNIT, OFFICER, &own)?;
        self.say("6b", &format!("许明自己批,被拒绝:{why}"), "its author cannot approve it")?;
        self.at(31)?;
        self.approve(UNIT, PRINCIPAL, &asked)?;
        self.say("5e,6b", "高原作为第二人批准,快报报出", "a second person approves: the flash report is out")?;
        self.at(36)?;
        self.signed("flash")
    }

    /// The unit above signs through the workflow that delivered the report, the unit itself by its officer.
    fn signed(&mut self, stage: &str) -> Result<(), Halt> {
        let report = self.report_of(stage)?;
        let event = json!({
            "specversion": "1.0", "id": format!("receipt-{report}"), "source": "superior/linhai",
            "type": "superior.report.signed.v1",
            "data": {"case": self.case, "stage": stage, "report": report, "addressee": CITY, "by": CITY_OFFICER},
        });
        self.stage.post(&format!("/v1/units/{UNIT}/events"), CITY_OFFICER, &event)?;
        self.say("3.3", "市局回执到达", "the superior's receipt comes in")?;
        self.act(UNIT, OFFICER, "record-receipt", json!({"report": report, "addressee": UNIT}))?;
        self.say("3.3", "本级也已签收", "the unit's own level has signed, too")
    }

    /// The opinion that everything else waits for, and the one line.
    fn line(&mut self) -> Result<(), Halt> {
        self.at(42)?;
        let judged = json!({
            "nature": "谣言", "trend": "转发上升", "risks": ["群众恐慌", "干扰救援"],
            "opinion": "两小时内发布权威信息,同步处置谣言", "value": "respond", "reason": "涉及人身安全",
        });
        let asked = self.act(UNIT, OFFICER, "assess-case", judged)?;
        self.approve(UNIT, PRINCIPAL, &asked)?;
        self.say(
            "3.2g",
            "研判意见送审并批准:谣言,应当回应",
            "the handling opinion is approved: a rumour, to be answered",
        )?;
        self.at(48)?;
        let line = json!({
            "text": "火势已控制,无人员伤亡", "required": ["无人员伤亡"], "forbidden": ["多人死亡"],
            "figures": [{"name": "过火面积", "value": "12公顷"}],
        });
        let asked = self.act(UNIT, SPOKESPERSON, "set-line", line)?;
        self.approve(UNIT, PRINCIPAL, &asked)?;
        self.say("2b", "唐雪拟口径,指挥高原批准:一件事一个口径", "one line, written by one and approved by another")
    }

    fn reports(&mut self) -> Result<(), Halt> {
        self.at(65)?;
        let facts = json!([{"text": "火势已控制,过火面积约12公顷,无人员伤亡", "observed": true}]);
        self.report("follow-up", SPOKESPERSON, json!({"facts": facts}))?;
        self.at(95)?;
        let facts = json!([{"text": "明火已扑灭,正在清理余火;转移群众已返回", "observed": true}]);
        self.report("follow-up", PRINCIPAL, json!({"facts": facts}))
    }

    /// The officer writes it, another approves it.
    fn report(&mut self, stage: &str, approver: &str, more: Value) -> Result<(), Halt> {
        let mut command = json!({"stage": stage});
        if let (Some(command), Value::Object(more)) = (command.as_object_mut(), more) {
            command.extend(more);
        }
        let asked = self.act(UNIT, OFFICER, "submit-report", command)?;
        let mut done = self.approve(UNIT, approver, &asked)?;
        if done.get("approved") == Some(&json!(false)) {
            done = self.approve(CITY, CITY_PRINCIPAL, &asked)?;
        }
        if done.get("approved") != Some(&json!(true)) {
            return Err(Failure::failed(format_args!("the {stage} report was not sent: {done}")).into());
        }
        let report = self.report_of(stage)?;
        for (person, unit) in [(CITY_OFFICER, CITY), (OFFICER, UNIT)] {
            self.act(UNIT, person, "record-receipt", json!({"report": report, "addressee": unit}))?;
        }
        let zh = format!("{}报出,第二人批准,本级和上级签收", stage_zh(stage));
        self.say("5a", &zh, &format!("the {stage} report is out, approved by a second person, and signed for"))
    }

    /// The four kinds of clause 3.5f, each by the whole way from draft to proof.
    fn responses(&mut self) -> Result<(), Halt> {
        self.at(105)?;
        let departs = json!({"form": {"kind": "online", "title": "情况通报"}, "text": "火已扑灭。过火面积约15公顷。"});
        let drafted = self.act(UNIT, OFFICER, "draft-response", departs)?;
        let submit = self.command("submit-response", json!({"hash": drafted.get("hash")}));
        let why = self.stage.refused(UNIT, OFFICER, &submit)?;
        self.say("2b", &format!("回应稿与口径不一致,被拒绝:{why}"), "a text that departs from the line is refused")?;
        let text = "老鹰岩火势已控制,无人员伤亡,过火面积约12公顷。网传死亡不实。";
        let mended = Some(word(&drafted, "response")).filter(|id| id != "-");
        self.response(&json!({"kind": "online", "title": "情况通报"}), text, mended)?;
        self.at(150)?;
        let expert = json!({"kind": "expert", "title": "火后生态怎么看", "expert": "林教授(虚构)", "position": "省林科院研究员"});
        self.response(&expert, "林教授:过火面积12公顷,无人员伤亡,植被可自然恢复。", None)?;
        self.at(200)?;
        let held = self.stage.moment(210);
        let conference = json!({"kind": "press-conference", "title": "老鹰岩火情发布会", "venue": "县政府新闻发布厅",
            "held_at": held.to_string(), "speakers": ["唐雪"]});
        self.response(&conference, "唐雪:明火已扑灭,无人员伤亡,过火面积12公顷。", None)?;
        self.at(240)?;
        let interview = json!({"kind": "interview", "outlet": "林海日报(虚构)", "interviewer": "记者甲",
            "interviewee": "高原,局长"});
        self.response(&interview, "高原:无人员伤亡。过火面积12公顷,正在查明原因。", None)
    }

    fn response(&mut self, form: &Value, text: &str, mends: Option<String>) -> Result<(), Halt> {
        let kind = word(form, "kind");
        let mut draft = json!({"form": form, "text": text, "touches": [FIRE]});
        if let Some(mends) = mends {
            draft["response"] = json!(mends);
        }
        let drafted = self.act(UNIT, OFFICER, "draft-response", draft)?;
        let hash = drafted.get("hash").cloned().unwrap_or_default();
        let check = json!({"hash": hash, "passed": true, "basis": "不涉密,依法应当公开"});
        self.act(UNIT, SPOKESPERSON, "check-response", check)?;
        let asked = self.act(UNIT, OFFICER, "submit-response", json!({"hash": hash}))?;
        self.approve(UNIT, PRINCIPAL, &asked)?;
        if kind == "online" {
            let early = self.command("publish-response", json!({"hash": hash}));
            let why = self.stage.refused(UNIT, PRINCIPAL, &early)?;
            self.say("3.5d", &format!("会签前签发,被拒绝:{why}"), "silence is no consent: it waits for the co-sign")?;
        }
        self.act(FIRE, FIRE_PRINCIPAL, "cosign-response", json!({"hash": hash, "agree": true}))?;
        self.act(UNIT, PRINCIPAL, "publish-response", json!({"hash": hash}))?;
        for channel in CHANNELS {
            let url = format!("https://{channel}.linhai.example/{kind}");
            let proof = json!({"hash": hash, "channel": channel, "url": url, "text": text});
            self.act(UNIT, OFFICER, "record-publication", proof)?;
        }
        let zh =
            format!("{}:唐雪保密审查、高原审批、指挥中心会签、签发,网站、微博、微信同文发布并留凭证", kind_zh(&kind));
        let en = format!("{kind}: checked for secrecy, approved, co-signed, out on three channels with proof");
        self.say("3.5b–f", &zh, &en)
    }

    /// What has to be done before a grave case is closed.
    fn root_cause(&mut self) -> Result<(), Halt> {
        self.at(250)?;
        let close = self.command("close-case", json!({}));
        let why = self.stage.refused(UNIT, OFFICER, &close)?;
        self.say("1f", &format!("此时办结,被拒绝:{why}"), "it cannot be closed yet")?;
        for (kind, text) in [("root-cause", "查明起火原因"), ("prevention", "排查重点林区隐患,补设瞭望与宣传")]
        {
            self.act(UNIT, PRINCIPAL, "assign-task", json!({"kind": kind, "to": UNIT, "text": text}))?;
            let task = self.task_of(kind)?;
            self.act(UNIT, OFFICER, "accept-task", json!({"task": task}))?;
        }
        self.say("1f", "高原下达源头治理、源头防范任务,许明受理", "root cause and prevention are tasks now")?;
        // Two nights.
        self.stage.leap(2 * DAY - 5 * 60)?;
        let found = json!({"kind": "investigation", "text": "雷击木,无人为纵火", "reference": "火调〔2026〕3号"});
        let evidence = self.act(UNIT, OFFICER, "record-evidence", found)?.get("evidence").cloned().unwrap_or_default();
        let facts = json!([{"text": "明火扑灭后看守48小时,无复燃", "observed": true}]);
        let cause = json!({
            "facts": facts, "measures": "增派两队看守,逐户说明", "cause": "雷击起火", "cause_evidence": [evidence],
        });
        self.report("detailed", PRINCIPAL, cause)?;
        self.say("5a", "详报写原因:有调查结论,并经上级批准", "a cause needs the investigation, and the unit above")?;
        for (kind, text) in [("root-cause", "雷击起火,已补装避雷与监测"), ("prevention", "排查隐患12处,整改完毕")]
        {
            let task = self.task_of(kind)?;
            self.act(UNIT, OFFICER, "feed-back-task", json!({"task": task, "text": text}))?;
        }
        self.say("1f", "源头治理、源头防范均已反馈", "root cause and prevention are done")
    }

    fn closed(&mut self) -> Result<(), Halt> {
        self.stage.until(2 * DAY - 4 * 60)?;
        let facts = json!([{"text": "舆情平息,现场撤收", "observed": true}]);
        self.report("final", PRINCIPAL, json!({"facts": facts, "result": "无人员伤亡,过火12公顷,谣言已澄清"}))?;
        self.act(UNIT, PRINCIPAL, "end-major", json!({"reason": "火已扑灭,舆情平息"}))?;
        self.say("5c", "指挥宣布重大舆情处置结束", "the commander ends the procedure")?;
        self.act(UNIT, OFFICER, "close-case", json!({}))?;
        self.say("1i", "办结:有回应、有凭证、有源头治理", "closed: answered, proved, and dealt with at the root")
    }

    /// The id of the case's task of a kind.
    fn task_of(&self, kind: &str) -> Result<String, Halt> {
        self.of("tasks", "kind", kind, "task")
    }

    /// The id of the case's last report of a stage.
    fn report_of(&self, stage: &str) -> Result<String, Halt> {
        self.of("reports", "stage", stage, "id")
    }

    fn of(&self, list: &str, name: &str, value: &str, id: &str) -> Result<String, Halt> {
        let case = self.stage.get(&format!("/v1/cases/{}", crate::client::segment(&self.case)))?;
        let found =
            crate::rows::rows(&case, list).filter(|row| word(row, name) == value).last().map(|row| word(row, id));
        found.ok_or_else(|| Failure::failed(format_args!("the case has no {value} among its {list}")).into())
    }
}

fn kind_zh(kind: &str) -> &'static str {
    match kind {
        "online" => "网上发布",
        "expert" => "专家解读",
        "press-conference" => "新闻发布会",
        _ => "媒体专访",
    }
}
