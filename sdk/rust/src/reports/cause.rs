//! Whether a statement of fact states the cause of the fire, too, which reports leave open until it is investigated
//! (clause 5a, 慎报原因). That the cause is being looked into is a fact.

use crate::terms::fold;

/// Phrases that name a cause, unless what follows says that it is open.
const NAMED: [&str; 25] = [
    "原因是",
    "原因为",
    "原因系",
    "原因属",
    "原因在于",
    "原因:",
    "起因是",
    "起因为",
    "起因系",
    "起因在于",
    "起因:",
    "成因是",
    "成因为",
    "肇因",
    "火因是",
    "火因为",
    "火因系",
    "系人为",
    "系雷击",
    "引发原因",
    "归因于",
    "归咎于",
    "源于",
    "缘于",
    "祸起",
];

/// What may follow such a phrase where the cause is open, or what the clause says of it.
const OPEN: [&str; 10] = ["不明", "不详", "未明", "未知", "待", "尚", "正在", "什么", "何", "是否"];

/// What makes what stands before it the cause of what stands after it.
const EFFECTS: [&str; 13] =
    ["引发", "引起", "导致", "造成", "所致", "引燃", "点燃", "诱发", "酿成", "致使", "触发", "惹起", "所引"];

/// Words behind which a cause stands.
const MARKS: [&str; 9] = ["因", "由", "系", "是", "属", "疑似", "缘", "为", "受"];

/// The fire, behind an effect.
const FIRES: [&str; 11] = ["山火", "林火", "火灾", "火情", "大火", "明火", "起火", "着火", "失火", "火警", "火点"];

/// Causes of fires by name.
const CAUSES: [&str; 27] = [
    "雷击",
    "雷电",
    "烧荒",
    "烧秸秆",
    "焚烧",
    "烧地边",
    "烧田埂",
    "烟头",
    "吸烟",
    "野炊",
    "烧烤",
    "烧纸",
    "祭祀",
    "上坟",
    "燃放",
    "烟花",
    "爆竹",
    "鞭炮",
    "电线",
    "线路",
    "短路",
    "纵火",
    "放火",
    "玩火",
    "自燃",
    "用火不慎",
    "人为",
];

/// Words by which a named cause is supposed.
const SUPPOSED: [&str; 14] = [
    "疑似",
    "疑为",
    "疑系",
    "疑因",
    "或为",
    "或系",
    "或因",
    "可能是",
    "可能为",
    "可能系",
    "可能因",
    "应为",
    "应系",
    "推测",
];

/// The words of `text` that state a cause, as they are compared, or none. `more` are further phrases that do.
pub fn stated(text: &str, more: &[String]) -> Option<String> {
    let text = fold(text);
    if let Some(phrase) =
        more.iter().map(|phrase| fold(phrase)).find(|phrase| !phrase.is_empty() && text.contains(&**phrase))
    {
        return Some(phrase.into_owned());
    }
    text.split(['。', ',', ';', '!', '?', '\n', '、']).find_map(in_clause)
}

fn in_clause(clause: &str) -> Option<String> {
    let open = |rest: &str| OPEN.iter().any(|word| rest.starts_with(word));
    for phrase in NAMED {
        let mut places = clause.match_indices(phrase);
        if places.any(|(at, _)| !open(&clause[at + phrase.len()..])) {
            return Some(phrase.to_owned());
        }
    }
    for supposed in SUPPOSED {
        let Some((_, rest)) = clause.split_once(supposed) else { continue };
        if let Some(cause) = CAUSES.iter().find(|cause| rest.contains(*cause)) {
            return Some(format!("{supposed}…{cause}"));
        }
    }
    // That it is open, said of the clause as a whole: whether lightning lit it is not known.
    if OPEN.iter().any(|word| clause.contains(word)) {
        return None;
    }
    for effect in EFFECTS {
        let Some((before, after)) = clause.split_once(effect) else { continue };
        if before.is_empty() {
            continue; // the fire itself does something
        }
        let marked = MARKS.iter().find(|mark| before.contains(*mark));
        let fire = FIRES.iter().find(|fire| after.contains(*fire));
        match (marked, fire) {
            (Some(mark), _) if after.is_empty() || after == "的" || after == "了" => {
                return Some(format!("{mark}…{effect}"));
            }
            (Some(mark), Some(fire)) => return Some(format!("{mark}…{effect}{fire}")),
            // `雷击引发山火`; a fire that spreads to another (`山火引燃…`) is no cause of itself.
            (None, Some(fire)) if !FIRES.iter().any(|fire| before.contains(fire)) => {
                return Some(format!("…{effect}{fire}"));
            }
            _ => {}
        }
    }
    // `因雷击起火`, `由烧荒失火`: without a verb of effect.
    for mark in ["因", "由于", "由"] {
        let Some((_, rest)) = clause.split_once(mark) else { continue };
        let Some(cause) = CAUSES.iter().find(|cause| rest.contains(*cause)) else { continue };
        if rest.ends_with(cause) || FIRES.iter().any(|fire| rest.contains(fire)) {
            return Some(format!("{mark}…{cause}"));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::stated;

    #[test]
    fn plugins_18_a_cause_is_seen_in_its_many_forms() {
        for text in [
            "因农户焚烧秸秆引发山火",
            "由雷击引起",
            "原 因 是雷击",
            "原　因　是雷击",
            "起火原因：雷击",
            "起火原因系村民烧荒",
            "該山火由雷擊引起",
            "⼭⽕因雷击所致",
            "雷击引发山火",
            "8时许，村民上坟烧纸引燃山火",
            "火灾系电线短路造成的",
            "疑似烟头引发",
            "可能是人为纵火",
            "因雷击起火",
            "起火由于雷击",
            "初步调查系雷击",
            "初步判断为燃放鞭炮导致火灾",
            "经查，火灾由施工引起",
            "祸起一根烟头",
            "此次火情源于烧荒",
        ] {
            assert!(stated(text, &[]).is_some(), "{text}");
        }
    }

    #[test]
    fn plugins_18_a_fact_is_no_cause() {
        for text in [
            "8时30分青山林场发现明火",
            "起火原因正在调查",
            "起火原因不明",
            "起因待查",
            "是否由雷击引起尚不清楚",
            "引发山火的原因正在调查",
            "山火造成2人死亡",
            "因山高坡陡，扑救困难",
            "因道路中断，导致救援受阻",
            "因大风火势蔓延，3户村民已转移",
            "疑似火情1处",
            "由县林草局牵头处置",
            "现场未发现雷击木",
            "山火引燃附近草垛",
            "因此转移群众30人",
            "网上出现“官方瞒报”的帖文，引起关注",
        ] {
            assert_eq!(stated(text, &[]), None, "{text}");
        }
        assert_eq!(stated("系村民 烧 山", &["烧山".to_owned()]).as_deref(), Some("烧山"));
    }
}
