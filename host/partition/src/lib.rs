//! One partition: messages go in; records, work to hand out, and answers to release once the records are durable come
//! out.
//!
//! **Invariant:** the same state and the same messages, with the same times and ids, give the same records, on any
//! machine, at any time; and nothing that depends on a record comes out before that record is said to be durable.
//!
//! There is no input or output here, no clock, no thread, no plugin's code: the live host and the simulated one drive
//! the same decisions.
//!
//! | module | for |
//! |---|---|
//! | [`partition`] | the decisions: one file a kind of message |
//! | [`commit`] | when what was decided may be known: the output-commit rule |
//! | [`deployed`], `inline_estimate` | a workflow in force, with facts about its plugins, and how long its first turns take |
//! | [`extension`] | what a workflow says to the host: `document.metadata.huiyin`, its schedule |
//! | [`watched_source`] | a source, and when it is due |
//! | [`canary`] | what is tried beside a slot's own plugin |
//! | [`request_words`] | what is known of a request before it is made |
//! | [`value_limits`] | how large a value may be |

#[cfg(all(feature = "planted", not(debug_assertions)))]
compile_error!("the feature `planted` puts faults on purpose into the partition and is for tests only");

pub mod canary;
pub mod commit;
pub mod deployed;
pub mod extension;
pub mod inline_estimate;
pub mod partition;
#[cfg(feature = "planted")]
pub mod planted;
pub mod request_words;
pub mod value_limits;
pub mod watched_source;
