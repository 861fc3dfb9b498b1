//! Hashes as people type them: their first characters are enough, where only one text of the case has such a hash. What
//! is sent to the host is always the whole hash, and the host compares all of it.

use serde_json::Value;

use crate::output::Failure;

/// The fewest characters that stand for a hash.
const LEAST: usize = 6;

/// Characters of a whole hash.
const WHOLE: usize = 32;

/// A command, with the hashes whole that were given by their first characters. `shown` is the case, or whatever names
/// the texts that there are. What fits none is left as it is: the host says what is wrong with it.
///
/// # Errors
/// Where the characters fit several hashes.
pub(crate) fn whole(command: &Value, shown: &Value) -> Result<Value, Failure> {
    let mut command = command.clone();
    for name in ["hash", "draft"] {
        let Some(Value::String(given)) = command.get_mut(name) else { continue };
        let short = (LEAST..WHOLE).contains(&given.len()) && given.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !short {
            continue;
        }
        let mut found = Vec::new();
        collect(shown, &given.to_ascii_lowercase(), &mut found);
        match found.as_slice() {
            [] => {}
            [one] => one.clone_into(given),
            several => {
                return Err(Failure::invalid(format_args!(
                    "{given} may be any of {}; give more of it",
                    several.join(", ")
                )));
            }
        }
    }
    Ok(command)
}

/// Every hash that begins so, once.
fn collect(value: &Value, begins: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(hash)) = members.get("hash")
                && hash.starts_with(begins)
                && !found.contains(hash)
            {
                found.push(hash.clone());
            }
            members.values().for_each(|value| collect(value, begins, found));
        }
        Value::Array(all) => all.iter().for_each(|value| collect(value, begins, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ONE: &str = "1f3a0c0000000000000000000000aaaa";
    const OTHER: &str = "1f3a0cffffffffffffffffffffffbbbb";

    fn given(hash: &str) -> Result<String, Failure> {
        let shown = json!({"approvals": [{"hash": ONE}], "responses": [{"hash": OTHER, "approved": {"hash": OTHER}}]});
        let whole = whole(&json!({"command": "approve", "hash": hash}), &shown)?;
        Ok(whole["hash"].as_str().unwrap_or_default().to_owned())
    }

    #[test]
    fn the_first_characters_stand_for_the_one_hash_that_has_them() {
        assert_eq!(given("1f3a0c0"), Ok(ONE.to_owned()));
        assert_eq!(given("1F3A0CFF"), Ok(OTHER.to_owned()));
        let several = given("1f3a0c").unwrap_err();
        assert!(several.message().contains(ONE) && several.message().contains(OTHER), "{several:?}");
    }

    #[test]
    fn what_fits_none_or_is_too_short_or_no_hash_goes_to_the_host_as_it_is() {
        for text in ["1f3a0", "abcdef", "", "火已扑灭的通报稿", "1f3a0c-", ONE] {
            assert_eq!(given(text), Ok(text.to_owned()));
        }
    }
}
