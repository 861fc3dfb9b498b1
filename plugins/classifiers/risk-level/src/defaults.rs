//! The figures and words of a forestry bureau, used where the configuration
//! is silent. They are this project's own proposal and make no claim to come
//! from any regulation.

use std::borrow::Cow;
use std::collections::BTreeMap;

use huiyin_sdk::Level;

use crate::config::{Channel, Content, Cue, Levels, Media, Outlet, Public, Steps, Topic, Weights, Word};

fn words(list: &[&'static str]) -> Vec<Word> {
    list.iter().map(|&word| Cow::Borrowed(word)).collect()
}

fn topic(name: &str, weight: f64, list: &[&'static str]) -> Topic {
    Topic {
        name: name.to_owned(),
        words: words(list),
        unless: Vec::new(),
        despite: Vec::new(),
        staged: Vec::new(),
        weight,
        alone: true,
        at_least: None,
    }
}

/// What a fire that breaks out during a drill is told by.
const REAL: [&str; 34] = [
    "演练中突发",
    "演练中发生",
    "演练中引发",
    "演练中失控",
    "演练时突发",
    "演练时发生",
    "演练时引发",
    "演练期间突发",
    "演练期间发生",
    "演练现场突发",
    "演练途中突发",
    "演练途中发生",
    "演练结束后突发",
    "演练后突发",
    "演练引发",
    "演练引燃",
    "演练失控",
    "演练酿",
    "演练变",
    "演练导致",
    "演练造成",
    "演练致",
    "演习中突发",
    "演习中发生",
    "演习时突发",
    "演习引发",
    "演习引燃",
    "演习失控",
    "演习导致",
    "演习致",
    "弄假成真",
    "假戏真",
    "真实火情",
    "真的起火",
];

/// What says that harm in a text about a drill is played.
const STAGED: [&str; 20] = [
    "模拟",
    "假设",
    "假定",
    "假想",
    "设定",
    "设置",
    "想定",
    "科目",
    "课目",
    "情景",
    "场景",
    "推演",
    "脚本",
    "观摩",
    "检验",
    "锻炼",
    "提升",
    "扮演",
    "演练背景",
    "演练方案",
];

impl Default for Content {
    fn default() -> Self {
        let drill = words(&["演练", "演习", "桌面推演", "模拟火场"]);
        let topics = vec![
            Topic {
                unless: drill,
                despite: words(&REAL),
                staged: words(&STAGED),
                at_least: Some(Level::IV),
                ..topic(
                    "森林草原火情",
                    0.8,
                    &[
                        "森林火灾",
                        "草原火灾",
                        "森林火情",
                        "山火",
                        "林火",
                        "林区起火",
                        "山林起火",
                        "山上着火",
                        "山上起火",
                        "森林大火",
                        "草原起火",
                        "火烧山",
                        "明火",
                        "过火面积",
                    ],
                )
            },
            topic(
                "毁林盗伐",
                0.6,
                &[
                    "盗伐",
                    "滥伐",
                    "乱砍滥伐",
                    "毁林",
                    "偷砍",
                    "非法采伐",
                    "违法采伐",
                    "砍伐古树",
                    "古树被砍",
                    "非法占用林地",
                    "侵占林地",
                    "毁草开荒",
                ],
            ),
            topic(
                "野生动植物",
                0.5,
                &[
                    "野生动物",
                    "野象",
                    "亚洲象",
                    "非法捕猎",
                    "盗猎",
                    "偷猎",
                    "野味",
                    "贩卖野生",
                    "国家重点保护",
                    "野猪伤人",
                    "黑熊伤人",
                    "毒鸟",
                    "捕鸟网",
                    "盗采野生",
                    "盗挖",
                    "外来入侵物种",
                ],
            ),
            topic("林业有害生物", 0.4, &["松材线虫", "林业有害生物", "美国白蛾", "虫害", "枯死木", "飞播农药"]),
            topic(
                "自然保护地与林权",
                0.4,
                &[
                    "自然保护区",
                    "国家公园",
                    "湿地公园",
                    "风景名胜区违建",
                    "林权纠纷",
                    "林地纠纷",
                    "退耕还林补助",
                    "公益林补偿",
                    "护林员工资",
                ],
            ),
            Topic {
                alone: false,
                at_least: Some(Level::II),
                ..topic("人员伤亡", 0.7, &["死亡", "遇难", "牺牲", "失联", "被困", "重伤", "伤亡", "身亡"])
            },
            Topic {
                alone: false,
                ..topic("失控蔓延", 0.5, &["失控", "蔓延", "威胁村庄", "村民转移", "紧急疏散", "撤离", "爆燃", "复燃"])
            },
            Topic {
                alone: false,
                ..topic(
                    "谣言与隐瞒",
                    0.4,
                    &["网传", "谣言", "造谣", "传谣", "不实信息", "瞒报", "谎报", "封锁消息", "隐瞒", "真相"],
                )
            },
            Topic {
                alone: false,
                ..topic("公职人员", 0.4, &["保护伞", "不作为", "乱作为", "渎职", "官商勾结", "林业局长", "执法人员"])
            },
        ];
        let cue = |label: &str, list: &[&'static str]| Cue { label: label.to_owned(), words: words(list) };
        Self {
            topics,
            more_topics: Vec::new(),
            labels: vec![
                cue(
                    "疑虑",
                    &[
                        "质疑",
                        "为什么",
                        "为何",
                        "是不是",
                        "会不会",
                        "有没有",
                        "能不能",
                        "担心",
                        "真的吗",
                        "是真的",
                        "怎么回事",
                        "求证",
                        "?",
                    ],
                ),
                cue("误解", &["误解", "误以为", "误会", "误读", "误传", "以为是"]),
                cue("歪曲", &["歪曲", "断章取义", "恶意剪辑", "移花接木", "张冠李戴", "旧图", "摆拍", "抹黑"]),
                cue("谣言", &["谣言", "造谣", "传谣", "网传", "不实信息", "虚假信息", "听说", "内部消息"]),
            ],
        }
    }
}

impl Default for Public {
    fn default() -> Self {
        Self {
            reads: Steps([10_000, 100_000, 1_000_000, 10_000_000]),
            comments: Steps([100, 1_000, 5_000, 20_000]),
            shares: Steps([100, 1_000, 5_000, 20_000]),
            likes: Steps([1_000, 10_000, 50_000, 200_000]),
        }
    }
}

/// The seven channel kinds of clause 3.1a, and finer ones.
pub(crate) fn channel(name: &str) -> Option<Channel> {
    let weight = match name {
        "hotline" => 0.1,
        "inquiry" | "comment" => 0.2,
        "forum" => 0.3,
        "wechat" => 0.4,
        "portal" | "weibo" | "short-video" => 0.5,
        "press" => 0.7,
        "tv" => 0.8,
        _ => return None,
    };
    Some(Channel(weight))
}

impl Default for Media {
    fn default() -> Self {
        let outlet = |name: &str, weight: f64, list: &[&'static str]| Outlet {
            name: name.to_owned(),
            words: words(list),
            weight,
        };
        Self {
            channels: BTreeMap::new(),
            outlets: vec![
                outlet(
                    "中央媒体",
                    1.0,
                    &["新华社", "新华网", "人民日报", "人民网", "央视", "中央电视台", "中新网", "中国新闻网"],
                ),
                outlet(
                    "有影响的媒体",
                    0.8,
                    &["澎湃新闻", "新京报", "财新", "南方周末", "界面新闻", "红星新闻", "极目新闻"],
                ),
                outlet("地方媒体", 0.6, &["日报", "晚报", "都市报", "广播电视台", "卫视"]),
            ],
        }
    }
}

impl Default for Weights {
    fn default() -> Self {
        Self { content: 0.5, public: 0.3, media: 0.2 }
    }
}

impl Default for Levels {
    fn default() -> Self {
        Self { i: 0.8, ii: 0.6, iii: 0.4, iv: 0.2 }
    }
}
