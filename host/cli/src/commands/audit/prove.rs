//! `huiyin audit prove`: a document that proves a record to be in the log.

use huiyin_audit::{Log, SignerKey};
use huiyin_journal::Journal as _;

use super::store;
use crate::client::{Client, HostArgs, runs_in, segment};
use crate::output::{Failure, print_json};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The record's index in the log, from 0.
    #[arg(required_unless_present = "record", conflicts_with = "record")]
    index: Option<u64>,
    /// The record's id, PARTITION/SEQ.
    #[arg(long, value_name = "ID", value_parser = super::record_id)]
    record: Option<(u32, u64)>,
    #[command(flatten)]
    host: HostArgs,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    if args.host.named() || runs_in(&args.host.data) {
        let client = Client::of(&args.host)?;
        let proof = match (args.index, args.record) {
            (Some(index), _) => client.get(&format!("/v1/proofs/{index}"))?,
            (None, Some((partition, seq))) => {
                client.get(&format!("/v1/proofs?record={}", segment(&format!("{partition}/{seq}"))))?
            }
            (None, None) => return Err(Failure::invalid("name an index or --record")),
        };
        return print_json(&proof);
    }
    let store = store::open(&args.host.data)?;
    let index = match (args.index, args.record) {
        (Some(index), _) => index,
        (None, Some((partition, seq))) => {
            let first = store.journal.inner().read(partition, seq).map_err(Failure::failed)?.next();
            let record = first.transpose().map_err(Failure::failed)?;
            record
                .map(|record| record.index)
                .ok_or_else(|| Failure::invalid(format_args!("there is no record {partition}/{seq}")))?
        }
        (None, None) => return Err(Failure::invalid("name an index or --record")),
    };
    if index >= store.journal.size() {
        return Err(Failure::invalid(format_args!("there is no record {index}; the log has {}", store.journal.size())));
    }
    store.lost().map_or(Ok(()), |gone| Err(Failure::failed(gone)))?;
    let signer = SignerKey::load(&store.key_file()).map_err(Failure::unreachable)?;
    let (mut log, _) =
        Log::open(&store.folder.join("audit"), signer, &[], &mut store.leaves()).map_err(Failure::failed)?;
    if log.checkpoints().latest().is_none_or(|signed| signed.checkpoint.size <= index) {
        log.checkpoint(&mut store.leaves()).map_err(Failure::failed)?;
    }
    let proof = log.prove(index, &mut store.leaves()).map_err(Failure::failed)?;
    print_json(&proof.to_json())
}
