//! Installed plugins: which there are, whom they may serve, what they may use and reach, and how they are called.
//!
//! **Invariant:** no code runs that no one trusted: what is called was judged by its bytes, is granted what it reaches,
//! and stays within its limits, on behalf of one unit.
//!
//! | module | for |
//! |---|---|
//! | [`house`] | what all partitions have in common: the sandbox, the installed packages, the evaluator |
//! | [`trust`] | whose plugins may run for whom |
//! | [`grants`], [`limits`] | what a plugin may reach on behalf of a unit; what a call may use |
//! | [`catalog`], [`resolve`] | what a workflow may call; from its functions and slots to exact components |
//! | [`calls`], [`evaluator`] | from a workflow's arguments to a plugin call and back; expressions in the sandbox |
//! | [`baseline`] | the mandatory classifier, run on every item (rule 7) |
//! | [`canary_comparison`] | a call made once more with a canary |
//! | [`plugin_config`] | a plugin's configuration against its schema |
//! | [`item_conversion`] | items, verdicts and writes between the plugin contract and the desk |

pub mod baseline;
pub mod calls;
pub mod canary_comparison;
pub mod catalog;
pub mod evaluator;
pub mod grants;
pub mod house;
pub mod item_conversion;
pub mod limits;
pub mod plugin_config;
pub mod resolve;
pub mod trust;
