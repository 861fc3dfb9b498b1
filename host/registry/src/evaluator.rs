//! Where expressions run: the jq component in the sandbox, in warm instances.
//! An endless or exploding program meets the instance's time and memory limits
//! and fails its own task (rule 11); the next one gets a fresh instance.

use std::sync::{Arc, Mutex, PoisonError};

use huiyin_flow::{Evaluator, ExprError};
use huiyin_sandbox::{CallError, Context, Limits, Operation, Output, Package, Sandbox, WarmInstance};
use serde_json::{Value, json};

/// Wall time of one expression, in milliseconds.
const WALL_MS: u64 = 1_000;
/// Memory of the expression's instance, in bytes.
const MEMORY: u64 = 64 << 20;
/// The largest result, in bytes.
const OUTPUT: u64 = 8 << 20;
/// Instances kept warm.
pub const IDLE: usize = 16;

/// jq in the sandbox.
pub struct SandboxedJq {
    sandbox: Arc<Sandbox>,
    package: Arc<Package>,
    limits: Limits,
    idle: Mutex<Vec<WarmInstance>>,
}

impl SandboxedJq {
    /// An evaluator over the given jq component.
    pub fn new(sandbox: Arc<Sandbox>, package: Arc<Package>) -> SandboxedJq {
        let limits = Limits { wall_ms: WALL_MS, memory_bytes: MEMORY, output_bytes: OUTPUT, ..Limits::default() };
        SandboxedJq { sandbox, package, limits, idle: Mutex::new(Vec::new()) }
    }

    fn ask(&self, config: &Value, input: Value) -> Result<Value, ExprError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut instance = match idle {
            Some(instance) => instance,
            None => self.sandbox.warm(&self.package).map_err(|e| ExprError::new(e.to_string()))?,
        };
        let context =
            Context { call_id: String::new(), attempt: 1, unit: String::new(), now: 0, idempotency_key: String::new() };
        let operation = Operation::Run { config: config.to_string(), input: input.to_string() };
        let answer = instance.call(&context, &operation, &self.limits);
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE {
            idle.push(instance);
        }
        drop(idle);
        match answer {
            Ok(Output::Json(mut value)) => match value.get_mut("ok") {
                Some(ok) => Ok(ok.take()),
                None => Err(ExprError::new(
                    value.get("error").and_then(Value::as_str).unwrap_or("the expression gave no result").to_owned(),
                )),
            },
            Ok(_) => Err(ExprError::new("the evaluator is not a step".to_owned())),
            Err(error @ CallError::Limit { .. }) => Err(ExprError::new(format!("the expression was stopped: {error}"))),
            Err(error) => Err(ExprError::new(error.to_string())),
        }
    }
}

impl Evaluator for SandboxedJq {
    fn compile(&self, program: &str, vars: &[&str]) -> Result<(), ExprError> {
        self.ask(&json!({"program": program, "vars": vars}), json!({"compile": true})).map(drop)
    }

    fn eval(&self, program: &str, input: &Value, vars: &[(&str, &Value)]) -> Result<Value, ExprError> {
        let names: Vec<&str> = vars.iter().map(|(name, _)| *name).collect();
        let values: serde_json::Map<String, Value> =
            vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).clone())).collect();
        self.ask(&json!({"program": program, "vars": names}), json!({"input": input, "vars": values}))
    }
}

/// Stands in where no jq component is installed: only the expressions that
/// the interpreter evaluates itself will do.
pub struct NoJq;

impl Evaluator for NoJq {
    fn compile(&self, program: &str, _vars: &[&str]) -> Result<(), ExprError> {
        Err(no_jq(program))
    }

    fn eval(&self, program: &str, _input: &Value, _vars: &[(&str, &Value)]) -> Result<Value, ExprError> {
        Err(no_jq(program))
    }
}

fn no_jq(program: &str) -> ExprError {
    ExprError::new(format!(
        "`{program}` needs the jq component, which this build does not carry; build it with `make plugins`"
    ))
}
