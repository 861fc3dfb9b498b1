//! Grants, as admins write them.

use huiyin_sandbox::Grant;

/// A grant that is taken says the same when it is written and read again, and
/// with itself in common has no more than itself.
pub fn fuzz_grant(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Grant::from_json(text) {
        Ok(grant) => {
            let written = serde_json::to_string(&grant).unwrap_or_default();
            assert_eq!(Grant::from_json(&written).as_ref(), Ok(&grant), "{written}");
            if grant.http.len() > 50 || grant.secrets.len() > 50 || grant.allow_addresses.len() > 50 {
                return;
            }
            let common = grant.intersect(&grant);
            assert!(common.kv_bytes == grant.kv_bytes && common.spool == grant.spool);
            for net in &common.allow_addresses {
                assert!(grant.allow_addresses.iter().any(|mine| mine.contains(net)), "{net} was not granted");
            }
            let nothing = grant.intersect(&Grant::default());
            assert!(
                nothing.http.is_empty()
                    && nothing.secrets.is_empty()
                    && nothing.spool.is_none()
                    && nothing.kv_bytes == 0,
                "more than nothing in common with nothing"
            );
        }
        Err(error) => assert!(error.to_string().len() > 10),
    }
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    [
        "{}",
        r#"{"http": [{"origin": "https://*.example.cn", "methods": ["GET", "POST"], "path_prefix": "/api"}]}"#,
        r#"{"http": [{"origin": "http://*:*"}], "secrets": [{"name": "token", "hosts": ["https://api.example.cn:8443"], "also": ["query", "body"]}]}"#,
        r#"{"spool": "/var/spool/huiyin", "kv_bytes": 65536, "allow_addresses": ["10.20.0.0/16", "fd00::/8", "127.0.0.1/32"]}"#,
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}
