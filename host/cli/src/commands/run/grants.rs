//! What a single `huiyin run` may reach, from its own arguments: no host's
//! configuration is needed to try a workflow that calls something.

use std::path::PathBuf;

use huiyin_engine::config::{GrantConfig, HostConfig, SecretConfig};
use huiyin_sandbox::Grant;

use crate::output::{Failure, read_text, shown};

/// The largest grant, in bytes.
const MAX_GRANT: u64 = 1 << 20;

/// Grants, names and authorities for one run.
#[derive(Debug, clap::Args)]
pub(super) struct Reach {
    /// What the workflow's own calls may reach: a file with a grant as JSON.
    #[arg(long, value_name = "FILE")]
    grant: Option<PathBuf>,
    /// A secret's value is in this file, which only its owner may read.
    #[arg(long, value_name = "NAME=FILE")]
    secret: Vec<String>,
    /// A name is at this address, as in `api.example.cn:443=127.0.0.1:8443`; public or not.
    #[arg(long, value_name = "NAME[:PORT]=ADDRESS[:PORT]")]
    resolve: Vec<String>,
    /// Trust the certificate authorities in this PEM file, too.
    #[arg(long, value_name = "FILE")]
    roots: Vec<PathBuf>,
}

impl Reach {
    /// Puts them into the configuration of the run, for the workflows named.
    pub(super) fn add_to(&self, config: &mut HostConfig, workflows: &[String]) -> Result<(), Failure> {
        if let Some(file) = &self.grant {
            let text = read_text(file, MAX_GRANT)?;
            let grant =
                Grant::from_json(&text).map_err(|error| Failure::invalid(format_args!("{}: {error}", shown(file))))?;
            for workflow in workflows {
                // What is given here is meant, whatever the configuration says of it.
                config.grants.retain(|given| given.workflow.as_deref() != Some(workflow));
                config.grants.push(GrantConfig {
                    plugin: None,
                    workflow: Some(workflow.clone()),
                    unit: "*".to_owned(),
                    grant: grant.clone(),
                });
            }
        }
        for given in &self.secret {
            let (name, file) = pair(given, "--secret", "NAME=FILE")?;
            config.secrets.insert(name.to_owned(), SecretConfig { file: absolute(file.as_ref())? });
        }
        for given in &self.resolve {
            let (name, address) = pair(given, "--resolve", "NAME[:PORT]=ADDRESS[:PORT]")?;
            config.egress.resolve.insert(name.to_owned(), address.to_owned());
        }
        for file in &self.roots {
            config.egress.roots.push(absolute(file)?);
        }
        Ok(())
    }
}

fn pair<'a>(given: &'a str, argument: &str, form: &str) -> Result<(&'a str, &'a str), Failure> {
    given
        .split_once('=')
        .filter(|(name, value)| !name.is_empty() && !value.is_empty())
        .ok_or_else(|| Failure::invalid(format_args!("{argument} `{given}`: write it as {form}")))
}

fn absolute(path: &std::path::Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|error| Failure::invalid(format_args!("{}: {error}", path.display())))
}
