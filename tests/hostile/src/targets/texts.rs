//! Workflows and policy packs of any text.

use huiyin_desk::policy::PolicyPack;
use huiyin_flow::{Catalog, Definition, Evaluator, ExprError, FunctionInfo, FunctionKind};
use serde_json::Value;

use super::{files, project};

/// Takes every expression: they are compiled inside the sandbox.
struct AnyProgram;

impl Evaluator for AnyProgram {
    fn compile(&self, _program: &str, _vars: &[&str]) -> Result<(), ExprError> {
        Ok(())
    }

    fn eval(&self, _program: &str, _input: &Value, _vars: &[(&str, &Value)]) -> Result<Value, ExprError> {
        Err(ExprError::new("nothing is evaluated here"))
    }
}

struct AnyFunction;

impl Catalog for AnyFunction {
    fn resolve(&self, name: &str, _version: Option<&str>) -> Option<FunctionInfo> {
        let kind = FunctionKind::Plugin { kind: "step".to_owned() };
        (!name.is_empty()).then_some(FunctionInfo { kind, input_schema: None, output_schema: None })
    }
}

/// A workflow is taken, or refused with at least one finding.
pub fn fuzz_workflow(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for file in ["workflow.json", "workflow.yaml"] {
        if let Err(findings) = Definition::parse(text, file, &AnyFunction, &AnyProgram) {
            assert!(!findings.is_empty(), "refused without a reason");
        }
    }
}

/// A policy pack is taken, or refused with at least one finding.
pub fn fuzz_policy(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Err(findings) = PolicyPack::parse(text, "pack.json") {
        assert!(!findings.is_empty(), "refused without a reason");
    }
}

pub(super) fn workflows() -> Vec<Vec<u8>> {
    files(&project().join("workflows"), ".json")
}

pub(super) fn policies() -> Vec<Vec<u8>> {
    files(&project().join("workflows/policy"), ".json")
}
