//! The seven kinds of channel that a unit watches (clause 3.1a).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A kind of channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ChannelKind {
    /// 门户网站.
    Portal,
    /// 论坛.
    Forum,
    /// 微博.
    Microblog,
    /// 网络问政.
    MessageBoard,
    /// 热线电话.
    Hotline,
    /// 新闻跟帖.
    Comments,
    /// 传统媒体.
    Print,
}

impl ChannelKind {
    /// All seven, in the order of the regulation.
    pub const ALL: [Self; 7] =
        [Self::Portal, Self::Forum, Self::Microblog, Self::MessageBoard, Self::Hotline, Self::Comments, Self::Print];

    /// The name used in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Portal => "portal",
            Self::Forum => "forum",
            Self::Microblog => "microblog",
            Self::MessageBoard => "message-board",
            Self::Hotline => "hotline",
            Self::Comments => "comments",
            Self::Print => "print",
        }
    }

    /// The name people read.
    pub fn zh(self) -> &'static str {
        match self {
            Self::Portal => "门户网站",
            Self::Forum => "论坛",
            Self::Microblog => "微博",
            Self::MessageBoard => "网络问政",
            Self::Hotline => "热线电话",
            Self::Comments => "新闻跟帖",
            Self::Print => "传统媒体",
        }
    }

    /// Reads a kind by its name, by its Chinese name, or by a word that collectors commonly use for it.
    pub fn of(text: &str) -> Option<Self> {
        let text = text.trim();
        Self::ALL.into_iter().find(|kind| kind.name() == text || kind.zh() == text).or(match text {
            "news" | "website" => Some(Self::Portal),
            "bbs" => Some(Self::Forum),
            "weibo" => Some(Self::Microblog),
            "inquiry" | "message" => Some(Self::MessageBoard),
            "phone" | "call" => Some(Self::Hotline),
            "comment" => Some(Self::Comments),
            "press" | "newspaper" | "tv" | "radio" => Some(Self::Print),
            _ => None,
        })
    }

    /// The names, for hints.
    pub fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_read_by_both_its_names() {
        for kind in ChannelKind::ALL {
            assert_eq!(ChannelKind::of(kind.name()), Some(kind));
            assert_eq!(ChannelKind::of(kind.zh()), Some(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
        assert_eq!(ChannelKind::of("weibo"), Some(ChannelKind::Microblog));
        assert_eq!(ChannelKind::of("short-video"), None);
    }
}
