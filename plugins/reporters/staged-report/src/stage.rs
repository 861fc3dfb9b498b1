//! The stages that this reporter writes.

use huiyin_sdk::Error;
use huiyin_sdk::reports::stage::Data;
use huiyin_sdk::reports::wrong;

/// Which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// 续报: what became known since.
    FollowUp,
    /// 详报: what is done about it.
    Detailed,
    /// 终报: how it ended.
    Final,
}

impl Stage {
    pub(crate) fn of(data: &Data) -> Result<Self, Error> {
        match data.stage.as_deref() {
            Some("follow-up") => Ok(Self::FollowUp),
            Some("detailed") => Ok(Self::Detailed),
            Some("final") => Ok(Self::Final),
            Some("flash") => Err(wrong("/stage", "the flash report is written by `flash-report`")),
            _ => Err(wrong("/stage", "which stage it is has to be said: `follow-up`, `detailed` or `final`")),
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::FollowUp => "follow-up",
            Self::Detailed => "detailed",
            Self::Final => "final",
        }
    }

    pub(crate) fn zh(self) -> &'static str {
        match self {
            Self::FollowUp => "续报",
            Self::Detailed => "详报",
            Self::Final => "终报",
        }
    }

    /// What is left to a later stage.
    pub(crate) fn note(self) -> Option<&'static str> {
        match self {
            Self::FollowUp => Some("处置措施在详报、处理结果在终报中报告。"),
            Self::Detailed => Some("处理结果在终报中报告。"),
            Self::Final => None,
        }
    }
}
